"""Parameters of a phase."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from sim.config import Parameters, Share
from sim.lifecycle.gates import Gate

Serving = Literal["api", "managed", "pool", "committed"]
"""By a pay-per-request API; by the pool's machines rented as a managed endpoint, at a premium; by own replicas on
demand; by own replicas with a committed base."""


class Phase(Parameters):
    """A stretch of the product's life, from its promotion to the next phase's.

    start: earliest civil date or date-time in the scenario's time zone (None: the scenario's start for the first phase;
    for another, its gate alone decides); gate: conditions on the phase before that promote to this one, once the start
    has come (None: the start alone decides); exposure: share of potential demand let in; serving: who serves it;
    override: patches on the scenario's other nodes (never on demand) while it lasts.
    """

    start: datetime | None = None
    gate: Gate | None = None
    exposure: Share
    serving: Serving
    override: dict[str, Any] = Field(default_factory=dict)
