"""Ways of hosting: parameters of the `hosting` node of a pool, and what they cost beyond the machines themselves.

A managed endpoint costs a premium on its machines; a commitment is paid whether it is used or not and takes the price
off the machines it covers; moving to another way costs its labour once, and both bills while both run.
"""

import math
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple, Unpack

from pydantic import AfterValidator, Field

from sim.config import Count, LargeUsd, Parameters, PositiveLongSeconds, Seconds, Share
from sim.cost.ledger import Labels, Ledger
from sim.cost.money import EXACT, as_decimal
from sim.policy.bounds import MAX_REPLICAS

HOUR_S = 3600.0
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
    """Replica-hours under commitments, and the price of one (USD, discounted)."""

    hours: float
    price_usd_per_h: float


class _Contract(NamedTuple):
    """Replicas committed at one time. until_s: inf while the phase that wants them lasts."""

    replicas: int
    start_s: float
    term_s: float
    price_usd_per_h: float
    until_s: float


class Commitment:
    """The commitments for one fleet of replicas, each paid from its beginning until it is given up, at least its term.

    A contract keeps the price at which it was made. Past its term it goes on, at the same price, for as long as the
    phase lasts that wants it. Times are seconds since the scenario's start, and never run backwards.
    """

    def __init__(self) -> None:
        self._contracts: list[_Contract] = []

    def begin(self, now_s: float, terms: CommittedHosting, price_usd_per_h: float) -> None:
        """From now on `terms.base_replicas` are wanted. price_usd_per_h: of a machine on demand, before the discount.

        What is under contract counts towards them, oldest first, and stays at its price; only what is missing is
        bought, and what is too much runs out its term.
        """
        self.end(now_s)
        missing, kept = terms.base_replicas, []
        for contract in self._contracts:
            again = min(missing, contract.replicas) if contract.until_s >= now_s else 0
            missing -= again
            kept += [contract._replace(replicas=again, until_s=math.inf)] if again else []
            kept += [contract._replace(replicas=contract.replicas - again)] if again < contract.replicas else []
        if missing:
            kept.append(_Contract(missing, now_s, terms.term_s, discounted_usd_per_h(terms, price_usd_per_h), math.inf))
        self._contracts = kept

    def end(self, now_s: float) -> None:
        """Nothing is wanted from now on: every contract runs until its term is over, or ends now if it is."""
        self._contracts = [
            c._replace(until_s=max(now_s, c.start_s + c.term_s)) if math.isinf(c.until_s) else c
            for c in self._contracts
        ]

    def replicas(self, at_s: float) -> int:
        """Replicas under contract at `at_s`: what a fleet covers (`sim.fleet.fleet.Fleet.cover`)."""
        return sum(c.replicas for c in self._contracts if c.start_s <= at_s < c.until_s)

    def ends_s(self) -> tuple[float, ...]:
        """When contracts that nobody wants any more run out: the times at which fewer replicas are covered, sorted."""
        return tuple(sorted({c.until_s for c in self._contracts if math.isfinite(c.until_s)}))

    def accrue(self, from_s: float, to_s: float) -> Iterator[CommittedTime]:
        """What contracts cost in [from_s, to_s], one entry each. Raises ValueError when time runs backwards."""
        if not from_s <= to_s:
            raise ValueError(f"a commitment cannot be paid from {from_s} s to {to_s} s")
        for contract in self._contracts:
            span_s = min(to_s, contract.until_s) - max(from_s, contract.start_s)
            if span_s > 0:
                yield CommittedTime(contract.replicas * span_s / HOUR_S, contract.price_usd_per_h)


def discounted_usd_per_h(terms: CommittedHosting, price_usd_per_h: float) -> float:
    """Price of a committed replica-hour: the on-demand price less the discount, as a decimal (0.8 less 41 %: 0.472)."""
    paid = EXACT.subtract(as_decimal(1), as_decimal(terms.discount))
    return float(EXACT.multiply(as_decimal(price_usd_per_h), paid))


def commitment_lines(
    ledger: Ledger, at_s: float, span_s: float, commitment: Commitment, phase: str, **labels: Unpack[Labels]
) -> None:
    """Post what commitments cost in the `span_s` seconds that end at `at_s`, used or not: fixed, a line a contract."""
    for time in commitment.accrue(at_s - span_s, at_s):
        ledger.post(at_s, "commitment", "fixed", time.hours, "h", time.price_usd_per_h, phase, **labels)


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
