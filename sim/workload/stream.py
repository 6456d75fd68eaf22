"""Arrivals along a demand curve: one Poisson or renewal process."""

import numpy as np

from sim.clock.calendar import Calendar
from sim.workload.block import BLOCK_SIZE, Block, Float64, Int64
from sim.workload.kernels import hazards, stream_block
from sim.workload.rate import DemandCurve

_DRAWN = 4096  # hazards drawn at once, 32 kB; of no effect on the arrivals


class ArrivalStream:
    """One process along a share of a demand curve, exact within the resolution; its state is a few numbers.

    finished: whether the horizon has been reached.
    """

    def __init__(
        self, curve: DemandCurve, horizon_ns: int, key: np.uint64, law: Float64, share: float = 1.0
    ) -> None:  # fmt: skip
        """key: of its random stream; law: of its gaps (sim/workload/gaps.py); share: of the rate."""
        self.finished = False
        self._curve, self._horizon_ns, self._key, self._law, self._share = curve, horizon_ns, key, law, share
        self._at = 0  # interval that the process has reached
        self._state = np.zeros(3)
        self._id = 0
        self._hazards, self._next = np.empty(_DRAWN), _DRAWN  # of requests to come, and the place of the next one's

    def fill(self, out: Int64) -> int:
        """Write the next arrivals into `out`; returns how many, fewer than it holds only at the horizon."""
        curve, n = self._curve, 0
        while n < out.size and self._at < curve.intervals:
            rates = curve.ahead(self._at)
            if self._share != 1.0:
                rates = rates * self._share
            if self._next == _DRAWN:
                hazards(self._key, self._id, self._law, self._hazards)
                self._next = 0
            most = min(out.size - n, _DRAWN - self._next)
            written, passed = stream_block(
                self._hazards[self._next : self._next + most], rates, self._at * curve.length_ns, curve.length_ns,
                self._horizon_ns, self._state, out[n : n + most],
            )  # fmt: skip
            n += written
            self._id += written
            self._next += written
            self._at += passed
        self.finished = self._at >= curve.intervals
        return n


class RatedArrivals:
    """Arrivals of a workload that is one process along its demand curve."""

    def __init__(
        self,
        curve: DemandCurve,
        calendar: Calendar,
        key: np.uint64,
        law: Float64,
        block_size: int = BLOCK_SIZE,
    ) -> None:
        """key: of the workload's arrival stream; law: of the gaps."""
        self.notes: list[str] = []
        self._stream = ArrivalStream(curve, calendar.horizon_ns, key, law)
        self._horizon_ns, self._size, self._id = calendar.horizon_ns, block_size, 0

    def next_block(self) -> Block | None:
        """See `ArrivalSource`."""
        if self._stream.finished:
            return None
        out = np.empty(self._size, dtype=np.int64)
        n, first_id = self._stream.fill(out), self._id
        self._id += n
        until_ns = self._horizon_ns if self._stream.finished else int(out[n - 1])
        return Block(first_id, out[:n], None, None, until_ns)
