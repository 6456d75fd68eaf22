"""The scenario's span, which every row of a file must lie in."""

from dataclasses import dataclass

import numpy as np

from sim.clock.calendar import Calendar
from sim.workload.block import Int64
from sim.workload.cells import Bools
from sim.workload.findings import Findings


@dataclass
class Bounds:
    """Counts rows before the start and after the horizon, so that a thousand of them make one message."""

    calendar: Calendar
    before: int = 0
    after: int = 0
    first_before: int = 0
    first_after: int = 0
    earliest_ns: int = 0
    latest_ns: int = 0

    def check(self, from_ns: Int64, to_ns: Int64, good: Bools, rows: Int64) -> None:
        """from_ns, to_ns: first and last nanosecond of each row, since the start; good: rows to look at."""
        early = good & (from_ns < 0)
        late = good & (to_ns >= self.calendar.horizon_ns)
        if early.any():
            self.first_before = self.first_before or int(rows[np.flatnonzero(early)[0]])
            self.earliest_ns = min(self.earliest_ns, int(from_ns[early].min()))
            self.before += int(early.sum())
        if late.any():
            self.first_after = self.first_after or int(rows[np.flatnonzero(late)[0]])
            self.latest_ns = max(self.latest_ns, int(to_ns[late].max()))
            self.after += int(late.sum())

    def tell(self, findings: Findings, column: str) -> None:
        """Put what lies outside into `findings`."""
        calendar, zone = self.calendar, self.calendar.zone.key
        if self.before:
            findings.row(
                self.first_before, column, civil(calendar, self.earliest_ns),
                f"before the scenario's start, {civil(calendar, 0)} {zone} (rows before it: {self.before:,}). "
                "Type start=null to take the start from the file.",
            )  # fmt: skip
        if self.after:
            findings.row(
                self.first_after, column, civil(calendar, self.latest_ns),
                f"after the scenario's end, {civil(calendar, calendar.horizon_ns)} {zone} (rows after it: "
                f"{self.after:,}). Type horizon=null to take the end from the file.",
            )  # fmt: skip


def civil(calendar: Calendar, t_ns: int) -> str:
    """Civil date and time of the scenario, to the minute or as exact as it is."""
    moment = calendar.civil(t_ns).replace(tzinfo=None)
    if moment.second == 0 and moment.microsecond == 0:
        return f"{moment:%Y-%m-%d %H:%M}"
    return moment.isoformat(sep=" ")
