"""Arrivals from a series of counts: exactly as many in each interval as the file says, in uniform order."""

import numpy as np

from sim.clock.calendar import NS_PER_S, Calendar
from sim.streams import Purpose
from sim.workload.block import BLOCK_SIZE, Block, Float64, Int64
from sim.workload.bounds import Bounds, civil
from sim.workload.cells import Bools, Offsets, stamps_ns, whole_numbers
from sim.workload.findings import Findings
from sim.workload.kernels import counts_block, uniforms
from sim.workload.layout import MOST_REQUESTS, counts_columns, file_path
from sim.workload.parameters import CountsWorkload
from sim.workload.table import Table

_UNITS = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86400.0: "day"}
_GAPS_NAMED = 5


class CountsArrivals:
    """Arrivals of a series of counts; the intervals are held, never the arrivals within them."""

    def __init__(
        self, workload: CountsWorkload, where: str, calendar: Calendar, key: np.uint64, block_size: int = BLOCK_SIZE
    ) -> None:
        """where: key path for messages; key: of the workload's arrival stream.

        Reads and checks the whole file. Raises InputError with everything that is wrong in it.
        """
        self._length_ns = round(workload.interval_s * NS_PER_S)
        self._start_ns, self._counts = _read(workload, where, calendar, self._length_ns)
        self.notes = _notes(workload, calendar, self._start_ns, self._length_ns)
        self._key, self._horizon_ns, self._size = key, calendar.horizon_ns, block_size
        self._place = np.zeros(2, dtype=np.int64)
        self._largest = np.ones(1)
        self._id = 0
        self._finished = False

    def next_block(self) -> Block | None:
        """See `ArrivalSource`."""
        if self._finished:
            return None
        uniform_of, out = np.empty(self._size), np.empty(self._size, dtype=np.int64)
        first_id = self._id
        uniforms(self._key, first_id, int(Purpose.ARRIVAL), uniform_of)
        n = counts_block(uniform_of, self._start_ns, self._counts, self._length_ns, self._place, self._largest, out)
        self._id += n
        self._finished = n < self._size
        return Block(first_id, out[:n], None, None, self._horizon_ns if self._finished else int(out[n - 1]))

    def expected(self, edges_ns: Int64) -> Float64:
        """float64[n - 1]: requests in each stretch [edges[i], edges[i + 1]), spread evenly over each interval."""
        marks_ns = np.stack((self._start_ns, self._start_ns + self._length_ns), axis=1).reshape(-1)
        after = np.cumsum(self._counts)
        so_far = np.stack((after - self._counts, after), axis=1).reshape(-1)
        return np.diff(np.interp(edges_ns, marks_ns, so_far))


def _read(workload: CountsWorkload, where: str, calendar: Calendar, length_ns: int) -> tuple[Int64, Int64]:
    """Starts (nanoseconds since the scenario's start) and counts of all intervals of the file, checked."""
    table = Table(file_path(workload, where))
    names = counts_columns(table, workload, where)
    findings, offsets, bounds = Findings(table.path), Offsets(workload.timezone), Bounds(calendar)
    starts: list[Int64] = []
    counts: list[Int64] = []
    last: int | None = None
    for chunk in table.chunks(names, findings):
        epoch_ns, good = stamps_ns(chunk, names[0], offsets, findings)
        start_ns = epoch_ns - calendar.start_epoch_ns
        bounds.check(start_ns, start_ns + length_ns - 1, good, chunk.rows)
        last = _check_grid(start_ns[good], last, length_ns, chunk.rows[good], names[0], calendar, findings)
        counts.append(whole_numbers(chunk, names[1], MOST_REQUESTS, findings))
        starts.append(start_ns)
    bounds.tell(findings, names[0])
    findings.raise_if_any()
    return np.concatenate(starts), np.concatenate(counts)


def _check_grid(
    start_ns: Int64, last: int | None, length_ns: int, rows: Int64, column: str, calendar: Calendar, findings: Findings
) -> int | None:
    """Intervals ascend, none stands twice, none overlaps, all lie on one grid; returns the last start."""
    if start_ns.size == 0:
        return last
    before = np.concatenate((start_ns[:1] - length_ns if last is None else [last], start_ns[:-1]))
    gap = start_ns - before
    shown = _Civil(calendar, start_ns)
    length = f"{length_ns / NS_PER_S:g} s"
    checks: tuple[tuple[Bools, str], ...] = (
        (gap == 0, "duplicate interval: the row before has the same start. Each interval may stand once; add them up."),
        (gap < 0, "out of order: the row before is later. Sort the file by time."),
        ((gap > 0) & (gap % length_ns != 0), f"not a whole number of intervals of {length} after the row before. "
         "Set `interval` to the file's."),
    )  # fmt: skip
    for bad, message in checks:
        findings.rows(bad, rows, column, shown, message)
    return int(start_ns[-1])


class _Civil:
    """Looks like the column of a file: civil times, formatted only when one is shown."""

    def __init__(self, calendar: Calendar, ns: Int64) -> None:
        self._calendar, self._ns = calendar, ns

    def __getitem__(self, i: int) -> str:
        return civil(self._calendar, int(self._ns[i]))


def _notes(workload: CountsWorkload, calendar: Calendar, start_ns: Int64, length_ns: int) -> list[str]:
    """Intervals that the file leaves out are zero, and said."""
    missing = np.diff(start_ns) // length_ns - 1
    gaps = np.flatnonzero(missing)
    notes = []
    if gaps.size:
        named = [
            f"{civil(calendar, int(start_ns[i]) + length_ns)} to {civil(calendar, int(start_ns[i + 1]))}"
            f" ({missing[i]:,})"
            for i in gaps[:_GAPS_NAMED]
        ]
        more = f" and {gaps.size - _GAPS_NAMED:,} more gaps" if gaps.size > _GAPS_NAMED else ""
        total = _intervals(int(missing.sum()), workload.interval_s)
        notes.append(
            f"{workload.path}: {total} missing, taken as zero: {', '.join(named)}{more} ({calendar.zone.key})."
        )
    first, end = int(start_ns[0]), int(start_ns[-1]) + length_ns
    if first >= length_ns or calendar.horizon_ns - end >= length_ns:
        notes.append(
            f"{workload.path}: covers {civil(calendar, first)} to {civil(calendar, end)} ({calendar.zone.key}); demand "
            "is zero in the rest of the scenario."
        )
    return notes


def _intervals(n: int, interval_s: float) -> str:
    unit = _UNITS.get(interval_s)
    if unit is None:
        return f"{n:,} interval{'' if n == 1 else 's'} of {interval_s:g} s"
    return f"{n:,} {unit}{'' if n == 1 else 's'}"
