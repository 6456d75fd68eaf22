"""How demand is told among the assumptions: arrivals, growth, seasons, what requests carry, and who says so."""

from typing import Any

from sim.report.nodes import node
from sim.report.numbers import duration, rate, share, three, whole

CHOSEN = "scenario"
_RECORDED = {
    "counts": "recorded counts, in uniform order within each interval",
    "replay": "recorded requests, replayed",
}


def demand_words(workload: Any) -> str:
    """When requests arrive, and what they ask for, in a few words."""
    said = [_RECORDED.get(workload.kind) or _rated(workload)]
    keys, tenants = node(workload, "keys"), node(workload, "tenants")
    if keys is not None and keys.kind == "zipf":
        drift = f", {share(keys.drift)} of them new each day" if keys.drift else ""
        said.append(
            f"{whole(keys.catalogue)} contents asked for by Zipf's law of exponent {three(keys.exponent)}{drift}"
        )
    if tenants is not None and tenants.count > 1:
        said.append(f"{whole(tenants.count)} customers")
    return "; ".join(said)


def demand_source(workload: Any) -> str:
    """The file of a recorded demand by its name, else where the scenario says who says so."""
    path = str(getattr(workload, "path", None) or "")
    return f"file {path.replace(chr(92), '/').rsplit('/', 1)[-1]}" if path else CHOSEN


def _rated(workload: Any) -> str:
    growth = workload.growth
    grows = {
        "none": "no growth",
        "exponential": f"doubling every {duration(getattr(growth, 'doubling_s', None))}",
        "logistic": f"growing to {three(getattr(growth, 'ceiling', None))} times that, half-way after "
        f"{duration(getattr(growth, 'midpoint_s', None))}",
        "piecewise": "growing through given points",
    }[growth.kind]
    weekly = "by hour of the week" if workload.seasonality.kind == "hour_of_week" else "the same at every hour"
    parts = [f"{_law(workload)}, {rate(workload.rate_per_s)} at the start, {grows}, {weekly}"]
    if node(workload, "yearly") is not None:
        parts.append("by month of the year")
    holidays = node(workload, "holidays")
    if holidays is not None:
        parts.append(f"{share(holidays.factor)} of it on {len(holidays.dates)} holidays")
    launches = node(workload, "launches") or ()
    if launches:
        parts.append(f"{len(launches)} launch{'es' if len(launches) > 1 else ''}")
    spikes = node(workload, "spikes")
    if spikes is not None:
        parts.append(
            f"{three(spikes.per_year)} viral spikes a year, {three(spikes.factor)} times the usual on average, fading "
            f"over {duration(spikes.decay_s)}"
        )
    return ", ".join(parts)


def _law(workload: Any) -> str:
    if workload.kind == "renewal":
        law = workload.interarrival
        return f"{law.kind.capitalize()} gaps (cv {three(law.cv)})"
    if workload.kind == "client_mix":
        return f"a mix of {len(workload.clients)} clients"
    return "Poisson"
