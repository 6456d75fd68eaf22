"""The machines that a cloud has to give: a quota, times without stock, lost zones, and who waits for one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.bill import Tariff
from sim.fleet.chance import Key, poisson_ns
from sim.fleet.nodes import NodeType
from sim.fleet.replica import Replica
from sim.fleet.trouble import Supply

ORDER = 2**40  # after replicas, among what happens at one instant and rank

Event = Callable[[str, str, str, float, float], None]
"""Remember an event: kind, subject, detail, before, after."""


@dataclass(eq=False)
class Node:
    """A machine, from when it is asked for.

    zone: its place among the pool's; granted_ns, ready_ns: -1 until it is; tenants: replicas on it, or for whom it is;
    cordoned: takes no more; closing: goes back once its last replica has; quiet_since_ns: of the last change on it;
    pulled: the image is there; repair_ns: how long its place counts against the quota once it is gone.
    """

    number: int
    label: str
    type: NodeType
    tariff: Tariff
    zone: int
    granted_ns: int = -1
    ready_ns: int = -1
    tenants: list[Replica] = field(default_factory=list)
    cordoned: bool = False
    closing: bool = False
    gone: bool = False
    quiet_since_ns: int = 0
    pulled: bool = False
    repair_ns: int = 0


class Outages:
    """Times that begin at `starts` (ns, ascending) and last `duration_ns`, on the clock; those that overlap are one.

    begins, ends: called when there is one from then on, and when there is none.
    """

    def __init__(
        self, clock: Clock, starts: Iterator[int], duration_ns: int, begins: Callable[[], None],
        ends: Callable[[], None],
    ) -> None:  # fmt: skip
        self._clock, self._starts, self._duration_ns = clock, starts, duration_ns
        self._begins, self._ends = begins, ends
        self._until_ns = -1

    def begin(self) -> None:
        """From now on; what is over by now is left out."""
        now = self._clock.now
        start_ns = next((start_ns for start_ns in self._starts if start_ns + self._duration_ns > now), None)
        if start_ns is not None:
            end_ns = start_ns + self._duration_ns
            self._clock.call_at(max(start_ns, now), Rank.FAILURE, lambda: self._break(end_ns), ORDER)

    def _break(self, end_ns: int) -> None:
        under_way, self._until_ns = self._until_ns > self._clock.now, end_ns
        self._clock.call_at(end_ns, Rank.FAILURE, self._mend, ORDER + 1)
        if not under_way:
            self._begins()
        self.begin()

    def _mend(self) -> None:
        if self._clock.now == self._until_ns:
            self._ends()


class Stock:
    """Grants machines: at once where there are some, else in the order in which they were asked for."""

    def __init__(
        self, clock: Clock, terms: Supply, key: Key, name: str, event: Event, granted: Callable[[Node], None]
    ) -> None:  # fmt: skip
        """granted: called with every node that is granted; name: of the pool, for events."""
        self.down: set[int] = set()
        self.out = False
        self.taken = 0
        self._clock, self._quota, self._name, self._event, self._granted = clock, terms.quota, name, event, granted
        self._waiting: list[Node] = []
        self._outages: Outages | None = None
        if terms.stock_outs is not None:
            starts = poisson_ns(key("stock_outs"), terms.stock_outs.per_month)
            duration_ns = to_ns(terms.stock_outs.duration_s)
            self._outages = Outages(
                clock, starts, duration_ns, lambda: self._run_out(True), lambda: self._run_out(False)
            )

    def begin(self) -> None:
        """Stock-outs happen from now on."""
        if self._outages is not None:
            self._outages.begin()

    def has(self, zone: int) -> bool:
        """Whether a machine of the zone can be had right now."""
        return not self.out and zone not in self.down and (self._quota is None or self.taken < self._quota)

    def ask(self, node: Node) -> None:
        """A machine is wanted: it is granted now, or waits."""
        if self.has(node.zone) and not self._waiting:
            self._grant(node)
            return
        why = "zone" if node.zone in self.down else "stock_out" if self.out else "quota"
        self._event("machine_waiting", node.label, why, 0.0, float(len(self._waiting) + 1))
        self._waiting.append(node)
        self.serve()  # those before it may wait for a zone that is lost

    def take(self) -> None:
        """A machine is there without having been asked for: one that a scenario starts with."""
        self.taken += 1

    def cancel(self, node: Node) -> None:
        """A machine that waits is wanted no more."""
        self._waiting.remove(node)

    def give_back(self, repair_ns: int) -> None:
        """A machine is gone; its place is free after so long."""
        if repair_ns > 0:
            self._clock.call_at(self._clock.now + repair_ns, Rank.FAILURE, lambda: self.give_back(0), ORDER + 2)
            return
        self.taken -= 1
        self.serve()

    def serve(self) -> None:
        """Grant what can be granted."""
        while self._waiting:
            node = next((node for node in self._waiting if self.has(node.zone)), None)
            if node is None:
                return
            self._waiting.remove(node)
            self._event("machine_granted", node.label, "", float(len(self._waiting) + 1), float(len(self._waiting)))
            self._grant(node)

    def _grant(self, node: Node) -> None:
        self.taken += 1
        node.granted_ns = self._clock.now
        self._granted(node)

    def _run_out(self, out: bool) -> None:
        self.out = out
        if self.taken or self._waiting:
            self._event("stock_out" if out else "stock_back", self._name, "", float(not out), float(out))
        self.serve()
