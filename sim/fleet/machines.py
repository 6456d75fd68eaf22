"""The machines of one fleet: asked for, granted, booted, taken away, given back, and billed. Here one a replica."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.bill import Bill, Tariff
from sim.fleet.chance import Key
from sim.fleet.hazards import Hazards
from sim.fleet.nodes import NodeType
from sim.fleet.plant import Plant
from sim.fleet.replica import Replica
from sim.fleet.stock import Event, Node, Stock
from sim.fleet.trouble import Trouble


class Tenants(Protocol):
    """Whose replicas they are: a fleet."""

    def placed(self, replica: Replica, pulled: bool) -> None:
        """A replica's machine is there, with or without the image."""

    def evict(self, replica: Replica) -> None:
        """A replica has to go, with time to finish; another one is asked for."""

    def lose(self, replica: Replica, why: str) -> None:
        """A replica is gone with its machine."""


class Machines:
    """A machine for each replica, asked for and given back with it."""

    def __init__(
        self, clock: Clock, plant: Plant, name: str, tenants: Tenants, event: Event, key: Key, zones: Sequence[str],
        numbers: Iterator[int],
    ) -> None:  # fmt: skip
        """name: of the pool; key: of its streams; zones: names, at least one; numbers: for nodes that are no replica's
        own, shared by a pool's fleets.
        """
        self.bill = Bill(clock, plant.machine)
        self._clock, self._plant, self._name, self._tenants, self._event = clock, plant, name, tenants, event
        self._zones, self._numbers = zones, numbers
        self._stock = Stock(clock, plant.supply, key, name, event, self._granted)
        self._hazards = Hazards(clock, plant.spot, plant.failures, zones, key, self)
        self._nodes: dict[int, Node] = {}
        self._home: dict[Replica, Node] = {}
        self._begun = False
        machine = plant.machine
        self._own = NodeType(
            name=machine.name, replicas=1, price_usd_per_h=machine.price_usd_per_h,
            provisioning_s=machine.provisioning_s,
        )  # fmt: skip

    # --- what a fleet asks

    def begin(self, replica: Replica, more: int) -> bool:
        """Have a machine for a replica ready now; False where none can be had, so that it must be placed.

        more: replicas that will be begun after it.
        """
        self._open()
        if not self._stock.has(replica.zone):
            return False
        self._ready_now(self._node(self._own, replica.zone, replica)).tenants.append(replica)
        return True

    def place(self, replica: Replica) -> None:
        """Find a machine for a replica: the fleet hears when it is there."""
        self._open()
        node = self._node(self._own, replica.zone, replica)
        node.tenants.append(replica)
        self._stock.ask(node)

    def leave(self, replica: Replica) -> int:
        """A replica is gone from its machine, or waits for none any more; the time billed for it, ns."""
        node = self._home.pop(replica)
        node.tenants.remove(replica)
        if node.granted_ns < 0:
            self._cancel(node)
            return 0
        return self._release(node)

    def zone_up(self, zone: int) -> bool:
        """Whether a zone has not been lost."""
        return zone not in self._stock.down

    # --- what happens to machines

    def granted(self) -> Iterable[Node]:
        """Machines that exist, in order of number."""
        return [node for _, node in sorted(self._nodes.items()) if node.granted_ns >= 0]

    def notice(self, node: Node) -> None:
        """The cloud wants a spot machine back: it takes no more replicas, and those on it drain."""
        self._event("spot_notice", node.label, node.tariff.sku, 1.0, 0.0)
        self._empty(node)

    def lose(self, node: Node, why: Trouble) -> None:
        """A machine is gone at once, and the replicas on it."""
        self._event("machine_lost", node.label, why, 1.0, 0.0)
        if why == "failure" and self._plant.failures is not None:
            node.repair_ns = to_ns(self._plant.failures.repair_s)
        node.cordoned = node.closing = True
        for replica in list(node.tenants):
            self._tenants.lose(replica, why)
        if not node.tenants and not node.gone:
            self._release(node)

    def lose_zone(self, zone: int) -> None:
        """A zone is lost: its machines are, and who waits for one there looks elsewhere while there is elsewhere."""
        self._stock.down.add(zone)
        if self._nodes:  # a pool may have fleets of other phases, which have nothing to lose
            self._event("zone_lost", self._name, self._zones[zone], 1.0, 0.0)
        for node in [node for node in self.granted() if node.zone == zone]:
            if not node.gone:
                self.lose(node, "zone")
        if len(self._stock.down) < len(self._zones):
            self._look_elsewhere(zone)

    def zone_back(self, zone: int) -> None:
        """A lost zone has machines again."""
        self._stock.down.discard(zone)
        if self._nodes:
            self._event("zone_back", self._name, self._zones[zone], 0.0, 1.0)
        self._stock.serve()

    # --- the life of a machine

    def _open(self) -> None:
        """Hazards and stock-outs happen from the first machine on."""
        if not self._begun:
            self._begun = True
            self._stock.begin()
            self._hazards.begin()

    def _node(self, kind: NodeType, zone: int, replica: Replica | None) -> Node:
        """A machine that is about to be asked for. replica: whose own it is (None: nobody's)."""
        number = next(self._numbers) if replica is None else replica.number
        label = f"{self._name}/{number}" if replica is not None else f"{self._name}/node-{number}"
        node = Node(number, label, kind, self._tariff(kind), zone)
        self._nodes[number] = node
        if replica is not None:
            self._home[replica] = node
        return node

    def _tariff(self, kind: NodeType) -> Tariff:
        """On spot terms while that keeps the share of spot machines at most what it may be."""
        spot = self._plant.spot
        if spot is not None:
            there = sum(node.tariff.spot for node in self._nodes.values())
            if there + 1 <= spot.share * (len(self._nodes) + 1) + 1e-9:
                price = round(kind.price_usd_per_h * (1.0 - spot.discount), 12)
                return Tariff(f"{kind.name} spot", price, kind.replicas, True)
        return Tariff(kind.name, kind.price_usd_per_h, kind.replicas)

    def _ready_now(self, node: Node) -> Node:
        self._stock.take()
        node.granted_ns = node.ready_ns = node.quiet_since_ns = self._clock.now
        node.pulled = True
        self.bill.begin(node.tariff)
        self._hazards.watch(node)
        return node

    def _granted(self, node: Node) -> None:
        self.bill.begin(node.tariff)
        self._hazards.watch(node)
        ready_ns = self._clock.now + to_ns(node.type.provisioning_s)
        sub = node.tenants[0].slot if node.tenants else node.number
        self._clock.call_at(ready_ns, Rank.MACHINE_READY, lambda: self._boot(node), sub)

    def _boot(self, node: Node) -> None:
        if not node.gone and not node.closing:
            node.ready_ns = node.quiet_since_ns = self._clock.now
            self._booted(node)

    def _booted(self, node: Node) -> None:
        self._tenants.placed(node.tenants[0], False)

    def _empty(self, node: Node) -> None:
        """It takes no more replicas, those on it drain, and it goes back with the last of them."""
        node.cordoned = node.closing = True
        for replica in list(node.tenants):
            self._tenants.evict(replica)
        if not node.tenants and not node.gone:
            self._release(node)

    def _look_elsewhere(self, zone: int) -> None:
        for node in [node for node in self._nodes.values() if node.zone == zone and node.granted_ns < 0]:
            for replica in list(node.tenants):
                self._tenants.lose(replica, "zone")

    def _cancel(self, node: Node) -> None:
        node.gone = True
        self._stock.cancel(node)
        del self._nodes[node.number]

    def _release(self, node: Node) -> int:
        node.gone = True
        del self._nodes[node.number]
        billed_ns = self.bill.end(node.tariff, node.granted_ns)
        self._stock.give_back(node.repair_ns)
        return billed_ns
