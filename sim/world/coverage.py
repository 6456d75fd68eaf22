"""Which machines the commitments cover: the first replicas of a fleet, from contract to contract."""

from collections.abc import Mapping

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.cost.hosting import Commitment
from sim.fleet.fleet import Fleet


class Coverage:
    """Keeps each fleet's covered base in step with the contracts of its pool.

    A contract is for machines of one name. Those of a pool cover its own fleet of such machines that serves now or,
    where none does, the one that served last, for as long as replicas of it are left: they are paid for already. A
    managed endpoint's machines are its provider's, and are never covered.
    """

    def __init__(self, clock: Clock, fleets: Mapping[int, Fleet], commitments: Mapping[str, Commitment]) -> None:
        """fleets: own ones, by row; commitments: by pool."""
        self._clock, self._fleets, self._commitments = clock, fleets, commitments
        self._covered: dict[tuple[str, str], int] = {}  # (pool, machine) -> row
        self._wake_ns: int | None = None

    def begin_phase(self, rows: set[int]) -> None:
        """These rows serve from now on, and the contracts are as the new phase wants them."""
        for row in sorted(rows & set(self._fleets)):
            fleet = self._fleets[row]
            self._covered[fleet.name, fleet.machine.name] = row
        self._cover()

    def _cover(self) -> None:
        now = self._clock.now
        bases = {
            row: self._commitments[pool].replicas(now, machine) for (pool, machine), row in self._covered.items()
        }  # fmt: skip
        for row, fleet in self._fleets.items():
            fleet.cover(bases.get(row, 0))
        self._wait(now)

    def _wait(self, now: int) -> None:
        """Look again when the next contract runs out; one such look is awaited at a time."""
        ends = [end for commitment in self._commitments.values() for end in commitment.ends_ns() if end > now]
        wake_ns = min(ends, default=None)
        if wake_ns is not None and wake_ns != self._wake_ns:
            self._clock.call_at(wake_ns, Rank.PHASE, lambda: self._wake(wake_ns))
        self._wake_ns = wake_ns

    def _wake(self, wake_ns: int) -> None:
        if wake_ns == self._wake_ns:  # else a phase has changed the contracts since, and another look is awaited
            self._wake_ns = None
            self._cover()
