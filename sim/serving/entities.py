"""What the reference engine moves about: requests, the queues they wait in, the replicas that serve them."""

from collections import deque
from dataclasses import dataclass, field

import simpy


@dataclass(eq=False)
class Request:
    """A request in the system."""

    request: int
    workload: int
    arrival_ns: int
    deadline_ns: int
    ended: simpy.Event
    key: int
    start_ns: int = -1
    slot: int = -1
    batch: int = 0


@dataclass(eq=False)
class Queue:
    """A line of requests, and the moment at which its oldest will have waited long enough."""

    waiting: deque[Request] = field(default_factory=deque)
    due_ns: int = -1


@dataclass(eq=False)
class Replica:
    """A replica's slot: its own queue, its batch in service, and the event that hands its process a batch."""

    slot: int
    queue: Queue
    taking: bool = False
    draining: bool = False
    serving: list[Request] = field(default_factory=list)
    work: simpy.Event | None = None
    started_ns: int = 0
    busy_ns: int = 0
    load_flow: int = 0
    completions: int = 0

    @property
    def outstanding(self) -> int:
        """Requests queued at or served by this replica."""
        return len(self.queue.waiting) + len(self.serving)
