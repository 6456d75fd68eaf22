"""What happened and when: promotions, scaling decisions, the lives of replicas."""

from typing import TYPE_CHECKING

from sim.clock.calendar import NS_PER_S, Calendar
from sim.clock.environment import Clock

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("at_s", "kind", "subject", "detail", "before", "after")


class EventLog:
    """Events as columns, in the order in which they happened."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: list[tuple[float, str, str, str, float, float]] = []

    def add(self, kind: str, subject: str, detail: str, before: float, after: float) -> None:
        """Something happens now. kind: what; subject: to whom; detail: why; before, after: the value that changed."""
        self._rows.append((self._clock.now / NS_PER_S, kind, subject, detail, before, after))

    def kinds_of(self, subject: str) -> set[str]:
        """What has happened to a subject so far."""
        return {kind for _, kind, of, *_ in self._rows if of == subject}

    def frame(self, calendar: Calendar) -> "pd.DataFrame":
        """One row an event: at_s, time (civil), kind, subject, detail, before, after."""
        import numpy as np
        import pandas as pd

        from sim.record.recorder import civil_index

        frame = pd.DataFrame(self._rows, columns=list(COLUMNS))
        frame = frame.astype({"kind": "str", "subject": "str", "detail": "str"})
        frame.insert(1, "time", civil_index(calendar, frame["at_s"].to_numpy(dtype=np.float64)))
        return frame
