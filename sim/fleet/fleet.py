"""The replicas of one row of the data plane: asked for, booted, loaded, ready, drained, released, and billed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.clock.calendar import NS_PER_S, to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.chance import Key
from sim.fleet.node_autoscalers import machines_of
from sim.fleet.parameters import Machine, Model
from sim.fleet.plant import Plant
from sim.fleet.replica import Replica
from sim.fleet.stock import Event


class Slots(Protocol):
    """What a fleet needs of a data plane."""

    def ready(self, slot: int) -> None:
        """The slot's replica takes requests from now on."""

    def drain(self, slot: int) -> bool:
        """The slot's replica takes no more requests; True when it is empty already."""

    def fail(self, slot: int) -> None:
        """The slot's replica is gone, and with it who was queued or in service there; the slot is free."""


class Scaling(NamedTuple):
    """A change of a pool's count that a controller decided: when, and by how many replicas."""

    pool: str
    at_s: float
    by: int


@dataclass(frozen=True, eq=False)
class Roster:
    """Replicas that exist and are not draining, in slot order, as columns."""

    slots: NDArray[np.int64]  # places within the row
    requested_ns: NDArray[np.int64]
    ready_ns: NDArray[np.int64]
    ready: NDArray[np.bool_]


def _no_chance(name: str) -> np.uint64:
    raise ValueError(f"nobody gave the stream fleet/<pool>/{name} to a fleet whose plant draws from it")


@dataclass(frozen=True, eq=False)
class Site:
    """What stands around a fleet's machines.

    plant: beyond a machine for each replica, which starts in `model.load` (None: just that); zones: names of the pool's
    zones, in which its replicas stand in turn; key: of its streams; nodes: numbers for new nodes, shared by a pool's
    fleets.
    """

    plant: Plant | None = None
    zones: tuple[str, ...] = ("",)
    key: Key = _no_chance
    nodes: Iterator[int] = field(default_factory=lambda: count(1))


class Fleet:
    """Keeps as many replicas as it was last asked for; a full row (quota) makes it wait for one to be released."""

    def __init__(
        self, clock: Clock, plane: Slots, name: str, first_slot: int, slots: int, machine: Machine, model: Model,
        event: Event, numbers: Iterator[int], site: Site | None = None,
    ) -> None:  # fmt: skip
        """first_slot, slots: its places in the data plane; numbers: for new replicas, shared by a pool's fleets; site:
        None where there is nothing but machines.
        """
        self.name, self.machine, self.model = name, machine, model
        self.target = 0
        self.ready_count = 0
        self.scalings: list[Scaling] = []
        self.on_change: Callable[[], None] = lambda: None
        self._clock, self._plane, self._event = clock, plane, event
        self._first = first_slot
        self._free = list(range(first_slot, first_slot + slots))
        self._replicas: dict[int, Replica] = {}
        self._numbers = numbers
        self._ready_flow = 0
        site = site or Site()
        self.plant = site.plant or Plant(machine=machine, model=model)
        self._zones = len(site.zones)
        self._machines = machines_of(clock, self.plant, name, self, event, site.key, site.zones, site.nodes)
        self.bill = self._machines.bill
        self._roster: Roster | None = None

    # --- what the control plane asks

    def begin(self, count: int) -> None:
        """Have `count` replicas ready now: those that a scenario starts with."""
        self.target = count
        for i in range(count):
            replica = self._request()
            if self._machines.begin(replica, count - 1 - i):
                self._ready(replica)
            else:
                self._machines.place(replica)

    def scale_to(self, count: int, reason: str, *, decided: bool = True) -> None:
        """Ask for `count` replicas from now on. decided: by a controller, so that it is one of `scalings`."""
        if count != self.target:
            if decided:
                self.scalings.append(Scaling(self.name, self._clock.now / NS_PER_S, count - self.target))
            self._event("scale", self.name, reason, float(self.target), float(count))
            self.target = count
        self._reconcile()

    def cover(self, base: int) -> None:
        """From now on the first `base` machines that exist are under a commitment (0: none)."""
        self.bill.cover(base)

    def drained(self, slot: int) -> None:
        """The data plane says that the slot's draining replica has run empty."""
        self._release(self._replicas[slot])
        self._reconcile()

    def holds(self, slot: int) -> bool:
        """Whether a replica of this fleet is in the slot."""
        return slot in self._replicas

    @property
    def empty(self) -> bool:
        """Whether no replica exists."""
        return not self._replicas

    # --- what is measured

    def billed_ns(self, now_ns: int) -> int:
        """Machine-nanoseconds billed by now: each from when it is granted to release, in billing increments."""
        return self.bill.billed_ns(now_ns)

    def covered_ns(self, now_ns: int) -> int:
        """Machine-nanoseconds under a commitment by now; see `Bill.covered_ns`."""
        return self.bill.covered_ns(now_ns)

    def ready_ns(self, now_ns: int) -> int:
        """Time integral of the number of ready replicas."""
        return self.ready_count * now_ns - self._ready_flow

    def roster(self) -> Roster:
        """The replicas that a controller may count on."""
        if self._roster is None:
            there = [r for _, r in sorted(self._replicas.items()) if not r.draining]
            ready_ns = np.array([r.ready_ns for r in there], np.int64)
            self._roster = Roster(
                np.array([r.slot - self._first for r in there], np.int64),
                np.array([r.requested_ns for r in there], np.int64),
                ready_ns,
                ready_ns >= 0,
            )
        return self._roster

    # --- the life of a replica

    def _reconcile(self) -> None:
        """Request or give up replicas until as many are there as were asked for, or no place is left."""
        there = [r for r in self._replicas.values() if not r.draining]
        for _ in range(min(self.target - len(there), len(self._free))):
            self._machines.place(self._request())
        if len(there) > self.target:
            # not ready before ready, young before old: the order in which a Kubernetes ReplicaSet picks its victims
            there.sort(key=lambda r: (r.ready_ns >= 0, -r.ready_ns, -r.requested_ns, -r.number))
            for replica in there[: len(there) - self.target]:
                self._give_up(replica)

    def _request(self) -> Replica:
        slot = self._place()
        replica = Replica(next(self._numbers), slot, self._clock.now, self._zone(slot))
        self._replicas[slot] = replica
        self._roster = None
        self._event("replica_requested", self._label(replica), self.machine.name, 0.0, 1.0)
        return replica

    def _place(self) -> int:
        """The first free place, of those in zones that are up where there are some."""
        best = next((i for i, slot in enumerate(self._free) if self._machines.zone_up(self._zone(slot))), 0)
        return self._free.pop(best)

    def _zone(self, slot: int) -> int:
        return (slot - self._first) % self._zones

    def placed(self, replica: Replica, pulled: bool) -> None:
        """A replica's machine is there: image, model and warm-up follow; given up in between, it ends."""
        spans = self.plant.startup.spans(self.model.load_s, self.model.memory_bytes, pulled)
        if spans.pull_s or spans.warm_up_s:
            said = f"pull {spans.pull_s:.4g} s, load {spans.load_s:.4g} s, warm-up {spans.warm_up_s:.4g} s"
            self._event("replica_starting", self._label(replica), said, 0.0, sum(spans))
        ready_ns = self._clock.now + to_ns(sum(spans))
        self._clock.call_at(ready_ns, Rank.MACHINE_READY, lambda: self._started(replica), replica.slot)

    def _started(self, replica: Replica) -> None:
        if not replica.released:
            self._ready(replica)
            self.on_change()

    def _ready(self, replica: Replica) -> None:
        replica.ready_ns = self._clock.now
        self.ready_count += 1
        self._ready_flow += self._clock.now
        self._roster = None
        self._plane.ready(replica.slot)
        self._event("replica_ready", self._label(replica), "", 0.0, 1.0)

    def _give_up(self, replica: Replica) -> None:
        if replica.ready_ns < 0:
            self._release(replica)
            return
        self._drop_out(replica)
        self._event("replica_draining", self._label(replica), "", 1.0, 0.0)
        if self._plane.drain(replica.slot):
            self._release(replica)
        elif self.plant.grace_s is not None:
            end_ns = self._clock.now + to_ns(self.plant.grace_s)
            self._clock.call_at(end_ns, Rank.FAILURE, lambda: self._kill(replica), replica.slot)

    def _drop_out(self, replica: Replica) -> None:
        """It takes no more requests."""
        replica.draining = True
        self.ready_count -= 1
        self._ready_flow -= self._clock.now
        self._roster = None

    def _kill(self, replica: Replica) -> None:
        """Its grace period is over."""
        if not replica.released:
            self.lose(replica, "grace")

    def evict(self, replica: Replica) -> None:
        """Its machine goes: it drains, and another one is asked for."""
        if not replica.draining and not replica.released:
            self._give_up(replica)
            self._reconcile()

    def lose(self, replica: Replica, why: str) -> None:
        """It is gone at once, and its requests fail; another one is asked for."""
        if replica.ready_ns >= 0:
            if not replica.draining:
                self._drop_out(replica)
            self._plane.fail(replica.slot)
            self._event("replica_lost", self._label(replica), why, 1.0, 0.0)
        self._release(replica)
        self._reconcile()

    def _release(self, replica: Replica) -> None:
        """It is gone from its machine, and an own machine goes back."""
        now = self._clock.now
        replica.released = True
        del self._replicas[replica.slot]
        self._free.append(replica.slot)
        self._free.sort()
        self._roster = None
        billed_ns = self._machines.leave(replica)
        lived = now - replica.requested_ns
        self._event("replica_released", self._label(replica), "", lived * 1e-9, billed_ns * 1e-9)

    def _label(self, replica: Replica) -> str:
        return f"{self.name}/{replica.number}"
