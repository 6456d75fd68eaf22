"""How far a run has come."""

from datetime import datetime
from typing import NamedTuple


class Progress(NamedTuple):
    """Simulated time (ns since the start), its end, the civil date, and requests offered so far."""

    now_ns: int
    horizon_ns: int
    civil: datetime
    requests: int
