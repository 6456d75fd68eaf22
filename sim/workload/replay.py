"""Arrivals of a recorded request trace, each at its nanosecond."""

from collections.abc import Iterator

import numpy as np

from sim.clock.calendar import Calendar
from sim.workload.block import BLOCK_SIZE, Block, Int32, Int64
from sim.workload.bounds import Bounds
from sim.workload.cells import Bools, Offsets
from sim.workload.findings import Findings
from sim.workload.layout import Layout, file_path, trace_layout
from sim.workload.parameters import ReplayWorkload
from sim.workload.table import Chunk, Table

_Arrivals = tuple[Int64, Int32 | None, Int32 | None, Int64 | None]


class ReplayArrivals:
    """Arrivals of a trace. The file is read twice, chunk by chunk: to check every row, then to replay."""

    def __init__(self, workload: ReplayWorkload, where: str, calendar: Calendar, block_size: int = BLOCK_SIZE) -> None:
        """where: key path for messages. Raises InputError with everything that is wrong in the file."""
        self._workload, self._calendar, self._size = workload, calendar, block_size
        self._table = Table(file_path(workload, where))
        self._layout = trace_layout(self._table, workload, where)
        for _ in self._checked():
            pass
        self.notes = _notes(self._table, self._layout)
        self._blocks = self._cut()

    def next_block(self) -> Block | None:
        """See `ArrivalSource`."""
        return next(self._blocks, None)

    def _cut(self) -> Iterator[Block]:
        first_id, last_ns = 0, 0
        for arrival_ns, prompt, output, key in self._checked():
            for i in range(0, arrival_ns.size, self._size):
                part = slice(i, i + self._size)
                arrivals = arrival_ns[part]
                last_ns = int(arrivals[-1])
                yield Block(
                    first_id, arrivals, None if prompt is None else prompt[part],
                    None if output is None else output[part], last_ns, None if key is None else key[part],
                )  # fmt: skip
                first_id += arrivals.size
        none = np.empty(0, dtype=np.int64)
        tokens = none.astype(np.int32) if self._layout.prompt or self._layout.output else None
        yield Block(first_id, none, tokens, tokens, self._calendar.horizon_ns, none if self._layout.key else None)

    def _checked(self) -> Iterator[_Arrivals]:
        """Arrivals chunk by chunk; raises InputError at the end of the file if any row of it is wrong."""
        layout, findings = self._layout, Findings(self._table.path)
        offsets, bounds = Offsets(self._workload.timezone), Bounds(self._calendar)
        origin_ns = 0 if layout.relative else self._calendar.start_epoch_ns
        last: int | None = None
        for chunk in self._table.chunks(layout.names, findings):
            times, good = layout.times(chunk, offsets, findings)
            arrival_ns = times - origin_ns
            prompt, output = self._completed(*layout.tokens(chunk, findings))
            key = layout.keys(chunk, findings)
            bounds.check(arrival_ns, arrival_ns, good, chunk.rows)
            last = _check_order(arrival_ns, good, last, chunk, layout.time, findings)
            if findings.count == 0:
                yield arrival_ns, _int32(prompt), _int32(output), key
        bounds.tell(findings, layout.time)
        findings.raise_if_any()

    def _completed(self, prompt: Int64 | None, output: Int64 | None) -> tuple[Int64 | None, Int64 | None]:
        """A trace that has one of the two columns takes the workload's mean, in whole tokens, for the other."""
        if prompt is not None and output is None:
            output = np.full_like(prompt, round(self._workload.output_tokens))
        elif output is not None and prompt is None:
            prompt = np.full_like(output, round(self._workload.prompt_tokens))
        return prompt, output


def _check_order(
    arrival_ns: Int64, good: Bools, last: int | None, chunk: Chunk, column: str, findings: Findings
) -> int | None:
    """No arrival is earlier than the one before; returns the last arrival."""
    where = np.flatnonzero(good)
    if where.size == 0:
        return last
    times = arrival_ns[where]
    before = np.concatenate((times[:1] if last is None else [last], times[:-1]))
    late = np.zeros(arrival_ns.size, dtype=bool)
    late[where[times < before]] = True
    message = "out of order: the row before is later. Sort the file by time."
    findings.rows(late, chunk.rows, column, chunk.columns[column], message)
    return int(times[-1])


def _notes(table: Table, layout: Layout) -> list[str]:
    if not layout.unused:
        return []
    return [f"{table.path}: columns that are not used: {', '.join(layout.unused)}."]


def _int32(values: Int64 | None) -> Int32 | None:
    return None if values is None else values.astype(np.int32)
