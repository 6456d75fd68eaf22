"""What the reference engine moves about: requests, the queues they wait in, the replicas that serve them."""

from collections import deque
from dataclasses import dataclass, field

import simpy

from sim.serving.kernels.state import NEVER


@dataclass(eq=False)
class Request:
    """A request in the system, or what a row is to serve of a call. gives_up_ns: when it leaves a queue unserved."""

    request: int
    workload: int
    arrival_ns: int
    deadline_ns: int
    ended: simpy.Event
    key: int
    start_ns: int = -1
    slot: int = -1
    batch: int = 0
    tenant: int = 0
    priority: int = 0
    detour_ns: int = 0
    gives_up_ns: int = NEVER
    call: "Call | None" = None
    epoch: int = 0
    shard: int = 0
    draw: int = 0
    twin: "Request | None" = None
    lost: bool = False
    served: bool = False

    @property
    def waited_for(self) -> bool:
        """Whether its call still waits for what this stands for: its attempt goes on, and no twin was first."""
        return self.call is not None and not self.lost and self.call.epoch == self.epoch


@dataclass(eq=False)
class Call:
    """A request as its client sees it, see `sim.serving.kernels.calls`."""

    request: int
    workload: int
    arrival_ns: int
    key: int
    tenant: int = 0
    tokens: tuple[int, int] | None = None
    user: int = -1
    attempt: int = 0
    trial: int = 0
    epoch: int = 0
    deadline_ns: int = 0
    stage: int = 0
    pending: int = 0
    waiting: bool = False


@dataclass(eq=False)
class Queue:
    """A line of requests in the order of service, and the moment at which its oldest will have waited long enough."""

    waiting: deque[Request] = field(default_factory=deque)
    due_ns: int = -1

    def join(self, r: Request) -> None:
        """Behind the last of those with the same priority or a higher one."""
        place = len(self.waiting)
        while place and self.waiting[place - 1].priority < r.priority:
            place -= 1
        self.waiting.insert(place, r)

    @property
    def oldest_ns(self) -> int:
        """Arrival of the request that has waited longest, of any priority: the first of some level has."""
        if self.waiting[0].priority == self.waiting[-1].priority:
            return self.waiting[0].arrival_ns
        return min(r.arrival_ns for r in self.waiting)


@dataclass(eq=False)
class Replica:
    """A replica's slot: its own queue, its batch in service, and the event that hands its process a batch.

    batch_limit: of an adaptive batch.
    """

    slot: int
    queue: Queue
    taking: bool = False
    draining: bool = False
    failed: bool = False
    serving: list[Request] = field(default_factory=list)
    work: simpy.Event | None = None
    started_ns: int = 0
    busy_ns: int = 0
    load_flow: int = 0
    completions: int = 0
    batch_limit: float = 1.0

    @property
    def outstanding(self) -> int:
        """Requests queued at or served by this replica."""
        return len(self.queue.waiting) + len(self.serving)
