"""Poisson arrivals with growth and seasonality."""

import numpy as np

from sim.clock.calendar import Calendar
from sim.config import InputError, Problem
from sim.workload.block import BLOCK_SIZE, Block, Float64
from sim.workload.kernels import poisson_block
from sim.workload.parameters import PoissonWorkload
from sim.workload.rate import interval_rates, largest_rate, resolution_ns

_WINDOW = 4096  # intervals whose rates are held at a time, so that memory does not grow with the horizon
_FASTEST_PER_S = 1e9  # one arrival in each nanosecond of the clock


class PoissonArrivals:
    """Arrivals at a piecewise constant rate, exact within the resolution; state is a few numbers and one window."""

    def __init__(
        self, workload: PoissonWorkload, where: str, calendar: Calendar, key: np.uint64, block_size: int = BLOCK_SIZE
    ) -> None:
        """where: key path for messages; key: of the workload's arrival stream.

        Raises InputError where growth carries the rate beyond one arrival per nanosecond.
        """
        peak = largest_rate(workload, calendar.horizon_ns)
        if peak > _FASTEST_PER_S:
            raise InputError(
                Problem(
                    f"{where}.rate",
                    f"{peak:.3g} req/s at its peak",
                    "more than the clock can hold. Growth and seasonality may carry the rate to at most 1e9 req/s; "
                    f"lower {where}.rate or {where}.growth.",
                )
            )
        self.notes: list[str] = []
        self._workload, self._calendar, self._key = workload, calendar, key
        self._length_ns = resolution_ns(workload)
        self._intervals = -(-calendar.horizon_ns // self._length_ns)
        self._at = 0  # interval that the process has reached
        self._window_from = 0
        self._rates = np.empty(0)
        self._state = np.zeros(3)
        self._id = 0
        self._size = block_size
        self._finished = False

    def next_block(self) -> Block | None:
        """See `ArrivalSource`."""
        if self._finished:
            return None
        out = np.empty(self._size, dtype=np.int64)
        n, first_id, horizon_ns = 0, self._id, self._calendar.horizon_ns
        while n < self._size and self._at < self._intervals:
            rates, start_ns = self._rates_ahead(), self._at * self._length_ns
            written, passed = poisson_block(
                self._key, self._id, rates, start_ns, self._length_ns, horizon_ns, self._state, out[n:]
            )
            n += written
            self._id += written
            self._at += passed
        self._finished = self._at >= self._intervals
        until_ns = horizon_ns if self._finished else int(out[n - 1])
        return Block(first_id, out[:n], None, None, until_ns)

    def _rates_ahead(self) -> Float64:
        """Rates per nanosecond from the current interval on."""
        if self._at >= self._window_from + self._rates.size:
            self._window_from = self._at
            count = min(_WINDOW, self._intervals - self._at)
            self._rates = interval_rates(self._workload, self._calendar, self._at, count) * 1e-9
        return self._rates[self._at - self._window_from :]
