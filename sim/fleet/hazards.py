"""What takes machines away: spot notices, alone or in waves, failures, and zones that are lost."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Protocol

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.chance import MONTH_NS, Key, exponential_ns, happens, poisson_ns
from sim.fleet.stock import ORDER, Node, Outages
from sim.fleet.trouble import Failures, Spot, Trouble, Waves

_GIVEN = 1 << 31  # number of the first wave at a given time, so that those at random hit whom they would hit without


class Taken(Protocol):
    """Whose machines they are."""

    def granted(self) -> Iterable[Node]:
        """Machines that exist."""

    def notice(self, node: Node) -> None:
        """A machine will be taken: it takes no more replicas, and those on it drain."""

    def lose(self, node: Node, why: Trouble) -> None:
        """A machine is gone at once, and what was on it."""

    def lose_zone(self, zone: int) -> None:
        """A zone is lost, with all that is in it."""

    def zone_back(self, zone: int) -> None:
        """A lost zone has machines again."""


class Hazards:
    """Draws what happens to each machine and each zone, and says so to whose machines they are.

    Streams below `fleet/<pool>/`: `spot` and `failures` by machine number; `waves/<zone>` and `zones/<zone>` in time;
    `hit/<zone>` by machine number and wave.
    """

    def __init__(
        self, clock: Clock, spot: Spot | None, failures: Failures | None, zones: Sequence[str], key: Key, owner: Taken
    ) -> None:  # fmt: skip
        """zones: names of the pool's zones, one that may be empty where there are none."""
        self._clock, self._spot, self._failures, self._zones = clock, spot, failures, zones
        self._key, self._owner = key, owner

    def begin(self) -> None:
        """From now on."""
        for zone, name in enumerate(self._zones):
            if self._spot is not None and self._spot.waves is not None:
                times = poisson_ns(self._key(f"waves/{name}"), self._spot.waves.per_month)
                self._await_wave(zone, self._spot.waves, enumerate(times))
                given = [to_ns(at_s) for at_s in sorted(self._spot.waves.at_s)]
                self._await_wave(zone, self._spot.waves, enumerate(given, _GIVEN))
            losses = self._failures.zone_losses if self._failures is not None else None
            if losses is not None:
                given = [to_ns(at_s) for at_s in sorted(losses.at_s)] if zone == self._lost_first(losses.zone) else []
                starts = merge(given, poisson_ns(self._key(f"zones/{name}"), losses.per_month))
                self._watch_zone(zone, starts, to_ns(losses.duration_s))

    def watch(self, node: Node) -> None:
        """A machine exists from now on."""
        if self._spot is not None and node.tariff.spot and self._spot.interruptions_per_month:
            life_ns = exponential_ns(self._key("spot"), node.number, MONTH_NS / self._spot.interruptions_per_month)
            self._clock.call_at(
                self._clock.now + life_ns, Rank.FAILURE, lambda: self._notice(node), ORDER + node.number
            )
        if self._failures is not None and self._failures.mtbf_s is not None:
            life_ns = exponential_ns(self._key("failures"), node.number, self._failures.mtbf_s * 1e9)
            self._clock.call_at(self._clock.now + life_ns, Rank.FAILURE, lambda: self._fail(node), ORDER + node.number)

    def _lost_first(self, name: str | None) -> int:
        return self._zones.index(name) if name in self._zones else 0

    def _watch_zone(self, zone: int, starts: Iterator[int], duration_ns: int) -> None:
        owner = self._owner
        Outages(
            self._clock, starts, duration_ns, lambda: owner.lose_zone(zone), lambda: owner.zone_back(zone)
        ).begin()  # fmt: skip

    def _notice(self, node: Node) -> None:
        assert self._spot is not None
        if node.gone or node.closing:
            return
        self._owner.notice(node)
        if not node.gone:
            end_ns = self._clock.now + to_ns(self._spot.notice_s)
            self._clock.call_at(end_ns, Rank.FAILURE, lambda: self._taken_back(node), ORDER + node.number)

    def _taken_back(self, node: Node) -> None:
        if not node.gone:
            self._owner.lose(node, "spot")

    def _fail(self, node: Node) -> None:
        if not node.gone:
            self._owner.lose(node, "failure")

    def _await_wave(self, zone: int, waves: Waves, times: Iterator[tuple[int, int]]) -> None:
        coming = next(((i, at_ns) for i, at_ns in times if at_ns >= self._clock.now), None)
        if coming is not None:
            i, at_ns = coming
            self._clock.call_at(at_ns, Rank.FAILURE, lambda: self._wave(zone, waves, i, times), ORDER)

    def _wave(self, zone: int, waves: Waves, wave: int, times: Iterator[tuple[int, int]]) -> None:
        key = self._key(f"hit/{self._zones[zone]}")
        for node in [n for n in self._owner.granted() if n.tariff.spot and n.zone == zone]:
            if happens(key, node.number, wave, waves.share):
                self._notice(node)
        self._await_wave(zone, waves, times)
