"""Ways of hosting: parameters of the `hosting` node of a pool, and what they cost beyond the machines themselves.

A managed endpoint costs a premium on its machines; a commitment is paid whether it is used or not and takes the price
off the machines it covers; moving to another way costs its labour once, and both bills while both run.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple, Unpack

from pydantic import AfterValidator, Field

from sim.clock.calendar import HOUR_S, NS_PER_S, to_ns
from sim.config import Count, LargeUsd, Parameters, PositiveLongSeconds, Seconds, Share
from sim.cost.ledger import Labels, Ledger
from sim.cost.money import EXACT, as_decimal
from sim.policy.bounds import MAX_REPLICAS

_HOUR_NS = 3600 * NS_PER_S
Mode = Literal["api", "managed", "pool", "committed"]


def _part(discount: float) -> float:
    if discount >= 1.0:
        raise ValueError('a commitment for nothing. It must be less than 100 %, such as "41 %".')
    return discount


class Move(Parameters):
    """What moving to a way of hosting takes.

    switching_usd: labour and tools, paid once for each pool that moves; overlap_s: how long what served before is kept
    running beside it after the switch.
    """

    switching_usd: LargeUsd
    overlap_s: Seconds


class ApiHosting(Move):
    """Rented by the request."""


class ManagedHosting(Move):
    """The pool's machines behind a managed endpoint. premium: share of the machines' price that comes on top."""

    premium: Share


class PoolHosting(Move):
    """Own replicas, paid on demand."""


class CommittedHosting(Move):
    """Own replicas, the first of them committed.

    base_replicas: replicas committed to; discount: share off their on-demand price; term_s: shortest time for which
    they are paid.
    """

    base_replicas: Annotated[Count, Field(ge=1, le=MAX_REPLICAS)]
    discount: Annotated[Share, AfterValidator(_part)]
    term_s: PositiveLongSeconds


class Hosting(Parameters):
    """The `hosting` node of a pool: terms of every way in which a phase may serve it."""

    api: ApiHosting
    managed: ManagedHosting
    pool: PoolHosting
    committed: CommittedHosting

    def move_to(self, mode: Mode) -> Move:
        """What moving to this mode takes."""
        moves: dict[str, Move] = {
            "api": self.api, "managed": self.managed, "pool": self.pool, "committed": self.committed,
        }  # fmt: skip
        return moves[mode]


class CommittedTime(NamedTuple):
    """Hours of machines under one contract, the machine's name, and the price of an hour (USD, discounted)."""

    hours: float
    sku: str
    price_usd_per_h: float


class _Contract(NamedTuple):
    """Machines of one name committed at one time. until_ns: None while the phase that wants them lasts."""

    replicas: int
    sku: str
    start_ns: int
    term_ns: int
    price_usd_per_h: float
    until_ns: int | None

    def runs(self, at_ns: int) -> bool:
        """Whether its machines are there for the taking at this time."""
        return self.start_ns <= at_ns and (self.until_ns is None or at_ns < self.until_ns)

    def given_up(self, now_ns: int) -> "_Contract":
        """Wanted no more: it runs until its term is over, or ends now if that is so."""
        return self if self.until_ns is not None else self._replace(until_ns=max(now_ns, self.start_ns + self.term_ns))


class Commitment:
    """The commitments of one pool, each paid from its beginning until it is given up, at least for its term.

    A contract is for machines of one name, and keeps the price at which it was made. Past its term it goes on, at the
    same price, for as long as the phase lasts that wants it. Times are whole nanoseconds since the scenario's start,
    and never run backwards.
    """

    def __init__(self) -> None:
        self._contracts: list[_Contract] = []

    def begin(self, now_ns: int, terms: CommittedHosting, sku: str, price_usd_per_h: float) -> None:
        """From now on `terms.base_replicas` machines named `sku` are wanted, and no others.

        price_usd_per_h: of such a machine on demand, before the discount. What is under contract for it counts, oldest
        first, and stays at its price; only what is missing is bought, and what is too much runs out its term, as do
        contracts for other machines.
        """
        missing, kept = terms.base_replicas, list[_Contract]()
        for contract in self._contracts:
            again = min(missing, contract.replicas) if contract.sku == sku and contract.runs(now_ns) else 0
            missing -= again
            if again:
                kept.append(contract._replace(replicas=again, until_ns=None))
            if again < contract.replicas:
                kept.append(contract.given_up(now_ns)._replace(replicas=contract.replicas - again))
        if missing:
            price = discounted_usd_per_h(terms, price_usd_per_h)
            kept.append(_Contract(missing, sku, now_ns, to_ns(terms.term_s), price, None))
        self._contracts = kept

    def end(self, now_ns: int) -> None:
        """Nothing is wanted from now on: every contract runs until its term is over, or ends now if it is."""
        self._contracts = [contract.given_up(now_ns) for contract in self._contracts]

    def replicas(self, at_ns: int, sku: str) -> int:
        """Machines of this name under contract at a time: what a fleet of them covers (`Fleet.cover`)."""
        return sum(c.replicas for c in self._contracts if c.sku == sku and c.runs(at_ns))

    def ends_ns(self) -> tuple[int, ...]:
        """When contracts that nobody wants any more run out: the times at which fewer machines are covered, sorted."""
        return tuple(sorted({c.until_ns for c in self._contracts if c.until_ns is not None}))

    def accrue(self, from_ns: int, now_ns: int) -> Iterator[CommittedTime]:
        """What contracts cost from one time to another, one entry each. Raises ValueError when time runs backwards."""
        if not from_ns <= now_ns:
            raise ValueError(f"a commitment cannot be paid from {from_ns} ns to {now_ns} ns")
        for contract in self._contracts:
            until_ns = now_ns if contract.until_ns is None else min(now_ns, contract.until_ns)
            span_ns = until_ns - max(from_ns, contract.start_ns)
            if span_ns > 0:
                yield CommittedTime(contract.replicas * span_ns / _HOUR_NS, contract.sku, contract.price_usd_per_h)


def discounted_usd_per_h(terms: CommittedHosting, price_usd_per_h: float) -> float:
    """Price of a committed replica-hour: the on-demand price less the discount, as a decimal (0.8 less 41 %: 0.472)."""
    paid = EXACT.subtract(as_decimal(1), as_decimal(terms.discount))
    return float(EXACT.multiply(as_decimal(price_usd_per_h), paid))


def commitment_lines(
    ledger: Ledger, from_ns: int, now_ns: int, commitment: Commitment, phase: str, **labels: Unpack[Labels]
) -> None:
    """Post what commitments cost from `from_ns` to now, used or not: fixed, a line a contract, each with its machine's
    name as the sku.
    """
    line, at_s = labels.copy(), now_ns / NS_PER_S
    for time in commitment.accrue(from_ns, now_ns):
        line["sku"] = time.sku
        ledger.post(at_s, "commitment", "fixed", time.hours, "h", time.price_usd_per_h, phase, **line)


def premium_line(
    ledger: Ledger, at_s: float, billed_s: float, price_usd_per_h: float, terms: ManagedHosting, phase: str,
    **labels: Unpack[Labels],
) -> None:  # fmt: skip
    """Post what a managed endpoint adds to `billed_s` seconds of machine time at this price: a line of its own, so that
    machine hours and their price stay what they are. Raises ValueError for negative time.
    """
    if not billed_s >= 0:
        raise ValueError(f"no premium can be billed on {billed_s} s, by {at_s} s ({phase})")
    premium = float(EXACT.multiply(as_decimal(price_usd_per_h), as_decimal(terms.premium)))
    if billed_s > 0 and premium > 0:
        ledger.post(at_s, "serving.managed_premium", "variable", billed_s / HOUR_S, "h", premium, phase, **labels)


def switching_line(ledger: Ledger, at_s: float, move: Move, phase: str, **labels: Unpack[Labels]) -> None:
    """Post what moving to another way of hosting costs once: fixed, at the new phase's effect."""
    if move.switching_usd > 0:
        ledger.post(at_s, "switching", "fixed", 1.0, "move", move.switching_usd, phase, **labels)
