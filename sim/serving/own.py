"""A user's own disciplines: functions that choose a replica, or who is served next, and the plain views they see.

They run in the reference engine alone. A scenario names one (`routing: {kind: own, name: NAME}`), and the function is
handed over in Python (`sim.simulate(scenario, disciplines={NAME: function})`) or registered by an installed package
under the entry-point group `poc2scale.disciplines`; scenario files never name code.
"""

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

from pydantic import StringConstraints

from sim.config import Parameters

GROUP = "poc2scale.disciplines"


class OwnDiscipline(Parameters):
    """A user's own function, by the name under which it was handed over or registered."""

    kind: Literal["own"] = "own"
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class Asking(NamedTuple):
    """A request that asks for a replica.

    workload: its name; request: its number; now_ns, deadline_ns: since the scenario's start; key: of the content that
    it asks for (None: like no other); tenant, priority: numbers; turn: requests that asked this router before it;
    draws: two independent numbers in (0, 1) that belong to this request and visit, the same in every run of the seed.
    """

    workload: str
    request: int
    now_ns: int
    deadline_ns: int
    key: int | None
    tenant: int
    priority: int
    turn: int
    draws: tuple[float, float]


class Standing(NamedTuple):
    """A ready replica. replica: its number in the pool; queued, in_service: its requests; zone: of the pool's zones."""

    replica: int
    queued: int
    in_service: int
    zone: int

    @property
    def outstanding(self) -> int:
        """Requests queued or in service."""
        return self.queued + self.in_service


class Waiting(NamedTuple):
    """A request in a queue.

    workload, request, key, tenant, priority: as of Asking; arrival_ns: when it came to the pool, ns since the start;
    gives_up_ns: when it leaves unserved; given_up: nobody waits for it any more, so that choosing it drops it.
    """

    workload: str
    request: int
    arrival_ns: int
    gives_up_ns: int
    key: int | None
    tenant: int
    priority: int
    given_up: bool


Router = Callable[[Asking, tuple[Standing, ...]], int]
"""Which replica takes a request: the `replica` of one of those shown, which are ready, lowest first, at least one."""

Order = Callable[[tuple[Waiting, ...], int], int]
"""Who is served next: the place (0 for the first) of one of those shown, at least one, highest priority first and in
order of arrival within it; and the time, ns. Asked once for each place in a batch."""

Discipline = Router | Order
