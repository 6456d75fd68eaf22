"""The bill of a fleet: machine time by tariff, each machine from when it is granted to when it goes back."""

from typing import NamedTuple

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.fleet.parameters import Machine


class Tariff(NamedTuple):
    """What a machine costs. sku: its name on ledger lines; replicas: places on it; spot: on spot terms."""

    sku: str
    price_usd_per_h: float
    replicas: int
    spot: bool = False


class _Account:
    """Machines under one tariff: how many there are, and their time so far."""

    def __init__(self) -> None:
        self.there, self.flow, self.rounded_ns = 0, 0, 0

    def billed_ns(self, now_ns: int) -> int:
        return self.there * now_ns - self.flow + self.rounded_ns


class Bill:
    """Counts machine time. Integrals are kept as count x now - flow, whole nanoseconds."""

    def __init__(self, clock: Clock, machine: Machine) -> None:
        """machine: whose billing increments hold, and whose name commitments are for."""
        self._clock, self._machine = clock, machine
        self._accounts: dict[Tariff, _Account] = {}
        self._base, self._covered, self._covered_flow = 0, 0, 0

    def begin(self, tariff: Tariff) -> None:
        """A machine is billed from now on."""
        account = self._accounts.setdefault(tariff, _Account())
        account.there += 1
        account.flow += self._clock.now
        self._recount()

    def end(self, tariff: Tariff, since_ns: int) -> int:
        """A machine billed since then goes back: what it is billed for, ns, rounded as `billed_for` says."""
        account, now = self._accounts[tariff], self._clock.now
        account.there -= 1
        account.flow -= now
        self._recount()
        lived = now - since_ns
        billed = billed_for(lived, self._machine)
        account.rounded_ns += billed - lived
        return billed

    def cover(self, base: int) -> None:
        """From now on the first `base` machines of the pool's own kind, on demand, are under a commitment."""
        self._base = base
        self._recount()

    def by_tariff(self, now_ns: int) -> dict[Tariff, int]:
        """Machine-nanoseconds billed by now, in the order in which tariffs came up."""
        return {tariff: account.billed_ns(now_ns) for tariff, account in self._accounts.items()}

    def billed_ns(self, now_ns: int) -> int:
        """Machine-nanoseconds billed by now under all tariffs."""
        return sum(account.billed_ns(now_ns) for account in self._accounts.values())

    def places_ns(self, now_ns: int) -> int:
        """The same in places for replicas, used or not."""
        return sum(tariff.replicas * account.billed_ns(now_ns) for tariff, account in self._accounts.items())

    def covered_ns(self, now_ns: int) -> int:
        """Machine-nanoseconds under a commitment by now: the integral of min(machines that it is for, base).

        A covered machine has no billing increment or minimum: what rounding adds to `billed_ns` is never covered.
        """
        return self._covered * now_ns - self._covered_flow

    def covers(self, tariff: Tariff) -> bool:
        """Whether a commitment is for machines under this tariff."""
        return tariff.sku == self._machine.name and not tariff.spot

    def _recount(self) -> None:
        """How many machines are covered, now that their number or the base has changed."""
        there = sum(account.there for tariff, account in self._accounts.items() if self.covers(tariff))
        covered = min(there, self._base)
        self._covered_flow += (covered - self._covered) * self._clock.now
        self._covered = covered


def billed_for(lived_ns: int, machine: Machine) -> int:
    """Nanoseconds billed for a machine that existed `lived_ns`: at least the minimum, in whole increments."""
    billed, increment = max(lived_ns, to_ns(machine.billing_minimum_s)), to_ns(machine.billing_increment_s)
    return -(-billed // increment) * increment if increment > 0 else billed
