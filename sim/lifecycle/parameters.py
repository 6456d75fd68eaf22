"""Parameters of a phase."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from sim.config import Parameters, Share


class Phase(Parameters):
    """A stretch of the product's life, from its start to the next phase's.

    start: civil date or date-time in the scenario's time zone (None for the first phase: the scenario's start);
    exposure: share of potential demand let in; serving: by the pay-per-request API or by the self-run pool; override:
    patches on the scenario's other nodes (never on demand) while it lasts.
    """

    start: datetime | None = None
    exposure: Share
    serving: Literal["api", "pool"]
    override: dict[str, Any] = Field(default_factory=dict)
