"""What a workload's file covers, read from its schema, its first and its last row alone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sim.clock.calendar import NS_PER_S
from sim.workload.block import Int64
from sim.workload.cells import Bools, Offsets, stamps_ns, whole_numbers
from sim.workload.findings import Findings
from sim.workload.layout import MOST_REQUESTS, counts_columns, file_path, trace_layout
from sim.workload.parameters import CountsWorkload, FileWorkload
from sim.workload.table import Chunk, Table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS_PER_MIN = 60 * NS_PER_S


@dataclass(frozen=True)
class TraceEnds:
    """The span of a file.

    first, last: aware moments (UTC): of the first arrival or interval, and just after the last arrival (rounded up to
    the next microsecond) or at the end of the last interval. None where the file counts seconds since the start.
    length_ns: from the scenario's start for such a file, else from `first` to `last`, up to the nanosecond.
    """

    first: datetime | None
    last: datetime | None
    length_ns: int

    def start(self) -> datetime | None:
        """`first`, floored to the minute (UTC); None where the scenario must say when it starts."""
        return None if self.first is None else self.first.replace(second=0, microsecond=0)

    def horizon_ns(self, start: datetime) -> int:
        """Nanoseconds from `start` (aware) to the whole minute in or after which everything has arrived."""
        span = self.length_ns if self.last is None else (self.last - start) // timedelta(microseconds=1) * 1000
        return max(_NS_PER_MIN, -(-span // _NS_PER_MIN) * _NS_PER_MIN)


def check_file(workload: FileWorkload, where: str) -> TraceEnds:
    """Read a workload's file at its ends.

    where: key path of the workload for messages ("workload" or "workloads.NAME"). Raises InputError where no file is
    named, where it is missing, empty, binary or damaged, where its columns are not as documented, or where its first or
    last row is wrong.
    """
    table = Table(file_path(workload, where))
    findings, offsets = Findings(table.path), Offsets(workload.timezone)
    if isinstance(workload, CountsWorkload):
        names = counts_columns(table, workload, where)
        chunk = table.ends(names, findings)
        times, good = stamps_ns(chunk, names[0], offsets, findings)
        whole_numbers(chunk, names[1], MOST_REQUESTS, findings)
        _check_order(times, good, chunk, names[0], findings)
        return _absolute(int(times[0]), int(times[-1]) + round(workload.interval_s * NS_PER_S))
    layout = trace_layout(table, workload, where)
    chunk = table.ends(layout.names, findings)
    times, good = layout.times(chunk, offsets, findings)
    layout.tokens(chunk, findings)
    layout.keys(chunk, findings)
    _check_order(times, good, chunk, layout.time, findings)
    end_ns = int(times[-1]) + 1
    return TraceEnds(None, None, end_ns) if layout.relative else _absolute(int(times[0]), end_ns)


def _check_order(times: Int64, good: Bools, chunk: Chunk, column: str, findings: Findings) -> None:
    if good.all() and times[-1] < times[0]:
        findings.row(
            int(chunk.rows[-1]), column, str(chunk.columns[column][-1]),
            "out of order: the first row is later. Sort the file by time.",
        )  # fmt: skip
    findings.raise_if_any()


def _absolute(first_ns: int, end_ns: int) -> TraceEnds:
    first = _EPOCH + timedelta(microseconds=first_ns // 1000)
    last = _EPOCH + timedelta(microseconds=-(-end_ns // 1000))
    return TraceEnds(first, last, end_ns - first_ns)
