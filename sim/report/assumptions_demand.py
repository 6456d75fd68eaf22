"""How demand is told among the assumptions: arrivals, growth, seasons, what requests carry, and who says so."""

from sim.report.facts import recorded_path
from sim.report.numbers import duration, rate, share, three, whole
from sim.scenario.model import Workload
from sim.workload.attributes import ZipfKeys
from sim.workload.growth import ExponentialGrowth, Growth, HourOfWeekSeasonality, LogisticGrowth, NoGrowth
from sim.workload.parameters import ClientMixWorkload, ClosedLoopWorkload, RatedWorkload, RenewalWorkload

CHOSEN = "scenario"
_RECORDED = {
    "counts": "recorded counts, in uniform order within each interval",
    "replay": "recorded requests, replayed",
}


def demand_words(workload: Workload) -> str:
    """When requests arrive, and what they ask for, in a few words."""
    said = [_arrivals(workload)]
    keys, tenants = workload.keys, workload.tenants
    if isinstance(keys, ZipfKeys):
        drift = f", {share(keys.drift)} of them new each day" if keys.drift else ""
        said.append(
            f"{whole(keys.catalogue)} contents asked for by Zipf's law of exponent {three(keys.exponent)}{drift}"
        )
    if tenants.count > 1:
        said.append(f"{whole(tenants.count)} customers")
    return "; ".join(said)


def _arrivals(workload: Workload) -> str:
    if isinstance(workload, ClosedLoopWorkload):
        think = workload.think
        law = "on average" if think.distribution == "exponential" and think.mean_s else "always"
        many = "users" if workload.users > 1 else "user"
        pause = f"for {duration(think.mean_s)} {law}" if think.mean_s else "for no time"
        return (
            f"a closed loop of {whole(workload.users)} {many}: ask, wait for the answer, think {pause}, ask again; no "
            "growth"
        )
    return _rated(workload) if isinstance(workload, RatedWorkload) else _RECORDED[workload.kind]


def demand_source(workload: Workload) -> str:
    """The file of a recorded demand by its name, else where the scenario says who says so."""
    path = recorded_path(workload)
    return f"file {path.replace(chr(92), '/').rsplit('/', 1)[-1]}" if path else CHOSEN


def _rated(workload: RatedWorkload) -> str:
    weekly = isinstance(workload.seasonality, HourOfWeekSeasonality)
    parts = [
        f"{_law(workload)}, {rate(workload.rate_per_s)} at the start, {_growth(workload.growth)}, "
        f"{'by hour of the week' if weekly else 'the same at every hour'}"
    ]
    if workload.yearly is not None:
        parts.append("by month of the year")
    if workload.holidays is not None:
        parts.append(f"{share(workload.holidays.factor)} of it on {len(workload.holidays.dates)} holidays")
    if workload.launches:
        parts.append(f"{len(workload.launches)} launch{'es' if len(workload.launches) > 1 else ''}")
    spikes = workload.spikes
    if spikes is not None:
        parts.append(
            f"{three(spikes.per_year)} viral spikes a year, {three(spikes.factor)} times the usual on average, fading "
            f"over {duration(spikes.decay_s)}"
        )
    return ", ".join(parts)


def _growth(growth: Growth) -> str:
    if isinstance(growth, NoGrowth):
        return "no growth"
    if isinstance(growth, ExponentialGrowth):
        return f"doubling every {duration(growth.doubling_s)}"
    if isinstance(growth, LogisticGrowth):
        return f"growing to {three(growth.ceiling)} times that, half-way after {duration(growth.midpoint_s)}"
    return "growing through given points"


def _law(workload: RatedWorkload) -> str:
    if isinstance(workload, RenewalWorkload):
        law = workload.interarrival
        return f"{law.kind.capitalize()} gaps (cv {three(law.cv)})"
    if isinstance(workload, ClientMixWorkload):
        return f"a mix of {len(workload.clients)} clients"
    return "Poisson"
