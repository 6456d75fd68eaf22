"""The replicas of one row of the data plane: asked for, booted, loaded, ready, drained, released, and billed."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.parameters import Machine, Model


class Slots(Protocol):
    """What a fleet needs of a data plane."""

    def ready(self, slot: int) -> None:
        """The slot's replica takes requests from now on."""

    def drain(self, slot: int) -> bool:
        """The slot's replica takes no more requests; True when it is empty already."""


@dataclass(eq=False)
class Replica:
    """One machine with one model. ready_ns: -1 until it is."""

    number: int
    slot: int
    requested_ns: int
    ready_ns: int = -1
    draining: bool = False
    released: bool = False


@dataclass(frozen=True, eq=False)
class Roster:
    """Replicas that exist and are not draining, in slot order, as columns."""

    slots: NDArray[np.int64]  # places within the row
    requested_ns: NDArray[np.int64]
    ready_ns: NDArray[np.int64]
    ready: NDArray[np.bool_]


Event = Callable[[str, str, str, float, float], None]
"""Remember an event: kind, subject, detail, before, after."""


class Fleet:
    """Keeps as many replicas as it was last asked for; a full row (quota) makes it wait for one to be released."""

    def __init__(
        self, clock: Clock, plane: Slots, name: str, first_slot: int, slots: int, machine: Machine, model: Model,
        event: Event, numbers: Iterator[int],
    ) -> None:  # fmt: skip
        """first_slot, slots: its places in the data plane; numbers: for new replicas, shared by a pool's fleets."""
        self.name, self.machine, self.model = name, machine, model
        self.target = 0
        self.ready_count = 0
        self.on_change: Callable[[], None] = lambda: None
        self._clock, self._plane, self._event = clock, plane, event
        self._first = first_slot
        self._free = list(range(first_slot, first_slot + slots))
        self._replicas: dict[int, Replica] = {}
        self._numbers = numbers
        self._billed_flow, self._billed, self._rounded_ns = 0, 0, 0
        self._base, self._covered, self._covered_flow = 0, 0, 0
        self._ready_flow = 0
        self._roster: Roster | None = None

    # --- what the control plane asks

    def begin(self, count: int) -> None:
        """Have `count` replicas ready now: those that a scenario starts with."""
        self.target = count
        for _ in range(count):
            self._ready(self._request())

    def scale_to(self, count: int, reason: str) -> None:
        """Ask for `count` replicas from now on."""
        if count != self.target:
            self._event("scale", self.name, reason, float(self.target), float(count))
            self.target = count
        self._reconcile()

    def cover(self, base: int) -> None:
        """From now on the first `base` replicas that exist are under a commitment (0: none)."""
        self._base = base
        self._recount()

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
        """Replica-nanoseconds billed by now: each from request to release, in the machine's billing increments."""
        return self._billed * now_ns - self._billed_flow + self._rounded_ns

    def covered_ns(self, now_ns: int) -> int:
        """Replica-nanoseconds under a commitment by now: the integral of min(replicas that exist, base).

        A covered replica has no billing increment or minimum: what rounding adds to `billed_ns` is never covered.
        """
        return self._covered * now_ns - self._covered_flow

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
            self._clock.process(self._boot(self._request()))
        if len(there) > self.target:
            # not ready before ready, young before old: the order in which a Kubernetes ReplicaSet picks its victims
            there.sort(key=lambda r: (r.ready_ns >= 0, -r.ready_ns, -r.requested_ns, -r.number))
            for replica in there[: len(there) - self.target]:
                self._give_up(replica)

    def _request(self) -> Replica:
        slot = self._free.pop(0)
        replica = Replica(next(self._numbers), slot, self._clock.now)
        self._replicas[slot] = replica
        self._billed += 1
        self._billed_flow += self._clock.now
        self._recount()
        self._roster = None
        self._event("replica_requested", self._label(replica), self.machine.name, 0.0, 1.0)
        return replica

    def _boot(self, replica: Replica) -> Generator[simpy.Event, Any, None]:
        """Provisioning, then loading the model; given up in between, it ends."""
        for span_s in (self.machine.provisioning_s, self.model.load_s):
            yield self._clock.at(self._clock.now + to_ns(span_s), Rank.MACHINE_READY, replica.slot)
            if replica.released:
                return
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
        replica.draining = True
        self.ready_count -= 1
        self._ready_flow -= self._clock.now
        self._roster = None
        self._event("replica_draining", self._label(replica), "", 1.0, 0.0)
        if self._plane.drain(replica.slot):
            self._release(replica)

    def _release(self, replica: Replica) -> None:
        """The machine goes back; its bill is rounded up to the billing increment, and to the minimum."""
        now = self._clock.now
        replica.released = True
        del self._replicas[replica.slot]
        self._free.append(replica.slot)
        self._free.sort()
        self._billed -= 1
        self._billed_flow -= now
        self._recount()
        lived = now - replica.requested_ns
        self._rounded_ns += billed_for(lived, self.machine) - lived
        self._roster = None
        self._event("replica_released", self._label(replica), "", lived * 1e-9, billed_for(lived, self.machine) * 1e-9)

    def _recount(self) -> None:
        """How many replicas are covered, now that their number or the base has changed."""
        covered = min(self._billed, self._base)
        self._covered_flow += (covered - self._covered) * self._clock.now
        self._covered = covered

    def _label(self, replica: Replica) -> str:
        return f"{self.name}/{replica.number}"


def billed_for(lived_ns: int, machine: Machine) -> int:
    """Nanoseconds billed for a machine that existed `lived_ns`: at least the minimum, in whole increments."""
    billed, increment = max(lived_ns, to_ns(machine.billing_minimum_s)), to_ns(machine.billing_increment_s)
    return -(-billed // increment) * increment if increment > 0 else billed
