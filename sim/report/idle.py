"""Machines that wait, under a commitment or not: what they cost a month, and what asking more of each would save."""

import math
from typing import TYPE_CHECKING, NamedTuple

from sim.clock.calendar import HOUR_S, MONTH_H
from sim.cost.hosting import discounted_usd_per_h
from sim.cost.ledger import lines_usd
from sim.report.facts import Facts, PhaseFacts
from sim.scenario.model import Pool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Saving(NamedTuple):
    """USD a month, and how many machines to commit to for it (0: none are committed to)."""

    usd: float
    base: int


def committed_to(phase: PhaseFacts, pool: Pool) -> tuple[int, float]:
    """Machines of a pool that a phase commits to, and what an hour of one costs (USD)."""
    terms = pool.hosting.committed
    base = terms.base_replicas if phase.serving == "committed" else 0
    return base, discounted_usd_per_h(terms, pool.machine.price_usd_per_h)


def by_autoscaler(facts: Facts, phase: PhaseFacts, name: str, pool: Pool) -> Saving:
    """About what following the traffic saves: the idle machines on demand, and those of the commitment beyond what
    is busy on the mean, of which one at least must stay.
    """
    base, price_usd = committed_to(phase, pool)
    least = max(1, math.ceil(base * (1 - float(phase.said["idle_share"])))) if base else 0
    return Saving(_idle_usd(facts, phase, name) + (base - least) * price_usd * MONTH_H, least)


def by_target(facts: Facts, phase: PhaseFacts, name: str, pool: Pool, floor: int, ratio: float) -> Saving:
    """About what fewer replicas save, of those above `floor` only `ratio`: on demand at once, and of a commitment by
    committing to no more than then pay (those that are on for a larger share of time than the price is of that on
    demand), but to one.
    """
    windows = facts.run.timeseries
    own = windows[(windows["phase"] == phase.name) & (windows["pool"] == name)].drop_duplicates("start_s")
    hours = ((own["end_s"] - own["start_s"]) / HOUR_S).to_numpy()
    ready = own["replicas_ready"].to_numpy()
    fewer = floor + (ready - floor).clip(min=0) * ratio
    on_demand_usd = pool.machine.price_usd_per_h
    base, price_usd = committed_to(phase, pool)

    def month_usd(committed: int, replicas: "NDArray[np.float64]") -> float:
        beyond = float(((replicas - committed).clip(min=0) * hours).sum()) * on_demand_usd
        return phase.a_month(beyond + committed * float(hours.sum()) * price_usd)

    if not base:
        return Saving(min(month_usd(0, ready) - month_usd(0, fewer), _idle_usd(facts, phase, name)), 0)
    paying = 0 if on_demand_usd <= 0 else math.floor(_exceeded(fewer, price_usd / on_demand_usd))
    then = min(base, max(1, paying))
    return Saving(month_usd(base, ready) - month_usd(then, fewer), then)


def _exceeded(values: "NDArray[np.float64]", part: float) -> float:
    """What is reached or exceeded in more than this part of the values; 0 without values."""
    beyond = sorted(values, reverse=True)[int(part * len(values)) :]
    return float(beyond[0]) if beyond else 0.0


def _idle_usd(facts: Facts, phase: PhaseFacts, name: str) -> float:
    """A month of a pool's waiting machines on demand, USD."""
    lines = facts.run.ledger
    own = (lines["phase"] == phase.name) & lines["resource"].isin([name, ""])
    return phase.a_month(lines_usd(lines, own & (lines["account"] == "serving.machine.idle")))
