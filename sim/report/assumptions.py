"""What a run rests on: the scenario's main values with their sources, and the words that the report uses."""

from typing import Any, NamedTuple

from sim.policy.autoscaling import HorizontalPodAutoscaler
from sim.report.facts import Facts
from sim.report.numbers import duration, rate, share, three, usd
from sim.scenario.model import Pool
from sim.workload.parameters import PoissonWorkload

CHOSEN = "set in the scenario; conf/ names the source or says assumption"

GLOSSARY = (
    ("Request", "One question to the product, from its arrival to its one end: answered, refused, given up or lost."),
    (
        "Potential demand",
        "Requests that would come if everybody were let in; a phase lets in a share.",
    ),
    (
        "Phase",
        "A stretch of the product's life (POC, MVP, production, scale) with its own exposure, serving, staff.",
    ),
    ("Fixed cost", "What is paid whatever the traffic: people, and later data, training and commitments."),
    ("Variable cost", "What serving costs: machine time or API fees, network and logs. Idle machines belong to it."),
    ("Idle", "Machine time that is billed and serves no request."),
    ("Elasticity", "By how many per cent the variable cost of a day moves when its requests move by one per cent."),
    ("95 % interval", "Computed so that it holds the true value in about 95 of 100 cases like this one."),
    ("Percentile", "The 99th percentile of latency is the time within which 99 of 100 answered requests were done."),
    (
        "SLO",
        "Service level objective: of requests that ended, the share promised to be answered within a limit. Each "
        "workload is held to its own.",
    ),
    (
        "Peak rate",
        "Requests per time as a mean over the busiest record window; within it there are moments with more. Windows "
        "that a change of phase or midnight cuts short do not count where there are whole ones.",
    ),
    ("Replica", "One machine with one model loaded, ready to serve."),
    ("Ready capacity", "Requests per second that the ready replicas serve with full batches, at best."),
    ("Waiting", "Requests that are in a queue and not yet in service, as a mean over time."),
    ("Autoscaler", "The controller that asks for replicas and lets them go by what it measures."),
    ("Shed", "Refused because the queue was full."),
    ("Exposure", "The share of potential demand that a phase lets in."),
)


class Assumption(NamedTuple):
    """One thing that the run takes as given: what, how much, and who says so."""

    what: str
    value: str
    source: str


def assumptions(facts: Facts) -> list[Assumption]:
    """Demand, promises, machines, models, prices and people of the scenario, with their sources."""
    scenario = facts.scenario
    rows = []
    for name, workload in scenario.workloads.items():
        rows.append(Assumption(f"demand of {name}", _demand(workload), _demand_source(workload)))
        slo = workload.slo
        promise = f"{share(slo.share)} of requests that ended, answered within {duration(slo.latency_s)}"
        promise += f"; timeout {duration(workload.timeout_s)}"
        rows.append(Assumption(f"promise to {name}", promise, CHOSEN))
        tokens = f"{three(workload.prompt_tokens)} tokens in, {three(workload.output_tokens)} out"
        size = f"{three(workload.response_bytes / 1e3, 'kB')} response, {three(workload.log_bytes / 1e3, 'kB')} of log"
        rows.append(Assumption(f"a request of {name}", f"{tokens}; {size}" if workload.prompt_tokens else size, CHOSEN))
    if any(phase.serving == "pool" for phase in facts.phases):
        for name, pool in scenario.pools.items():
            rows += _pool(name, pool)
    if any(phase.serving == "api" for phase in facts.phases):
        rows.append(_api(facts))
    price = scenario.price
    egress, logs = (usd(tiered.tiers[0].price_usd_per_gb) for tiered in (price.egress, price.logs.ingest))
    volume = f"egress from {egress} per GB, logs {logs} per GB"
    rows.append(Assumption(f"network and logs, {price.name}", volume, price.source))
    for phase in facts.phases:
        staff = scenario.phases[phase.name].staff
        people = ", ".join(
            f"{three(role.fte)} {name.replace('_', ' ')} at {usd(role.salary_usd_per_year)} a year"
            for name, role in staff.items()
        )
        exposure = f"{share(scenario.phases[phase.name].exposure)} of demand let in, served by {phase.serving}"
        rows.append(Assumption(f"phase {phase.name}", f"{exposure}; {people or 'no staff'}", CHOSEN))
    return rows


def _demand(workload: Any) -> str:
    if not isinstance(workload, PoissonWorkload):
        return (
            "recorded counts, in uniform order within each interval"
            if workload.kind == "counts"
            else "recorded requests, replayed"
        )
    growth = workload.growth
    grows = {
        "none": "no growth",
        "exponential": f"doubling every {duration(getattr(growth, 'doubling_s', None))}",
        "logistic": f"growing to {three(getattr(growth, 'ceiling', None))} times that, half-way after "
        f"{duration(getattr(growth, 'midpoint_s', None))}",
        "piecewise": "growing through given points",
    }[growth.kind]
    weekly = "by hour of the week" if workload.seasonality.kind == "hour_of_week" else "the same at every hour"
    return f"Poisson, {rate(workload.rate_per_s)} at the start, {grows}, {weekly}"


def _demand_source(workload: Any) -> str:
    if isinstance(workload, PoissonWorkload):
        return CHOSEN
    path = str(workload.path or "")
    return f"file {path.replace(chr(92), '/').rsplit('/', 1)[-1]}" if path else CHOSEN


def _pool(name: str, pool: Pool) -> list[Assumption]:
    machine, model, service = pool.machine, pool.model, pool.service
    kind = f"{machine.name} ({machine.accelerator}) at {usd(machine.price_usd_per_h)} per hour"
    boot = f"{duration(machine.provisioning_s)} to boot, {duration(model.load_s)} to load {model.name}"
    spread = "" if service.distribution == "constant" else f", {service.distribution}"
    spread += f" (cv {three(service.cv)})" if service.cv else ""
    time = f"{duration(service.base_s)} + {duration(service.per_item_s)} a request{spread}"
    time += f"; batches of at most {pool.batching.max_batch_size}"
    return [
        Assumption(f"machine of pool {name}", f"{kind}; {boot}", machine.source),
        Assumption(f"service time of pool {name}", f"{time}, on {service.hardware}", service.source),
        Assumption(f"autoscaler of pool {name}", _autoscaler(pool), CHOSEN),
    ]


def _autoscaler(pool: Pool) -> str:
    scaler = pool.autoscaler
    if not isinstance(scaler, HorizontalPodAutoscaler):
        return f"fixed at {scaler.replicas} replicas"
    target = share(scaler.target) if scaler.metric == "utilisation" else three(scaler.target)
    metric = scaler.metric.replace("_", " ")
    return f"Kubernetes HPA, {scaler.min_replicas} to {scaler.max_replicas} replicas, {metric} at {target}"


def _api(facts: Facts) -> Assumption:
    api = facts.scenario.api
    parts = [f"{usd(api.request_usd)} per request"] if api.request_usd else []
    parts.append(f"{usd(api.prompt_usd_per_mtok)} per million tokens in, {usd(api.output_usd_per_mtok)} out")
    latency = f"{duration(api.latency.median_s)} at the median (cv {three(api.latency.cv)})"
    return Assumption(f"API {api.name}", f"{', '.join(parts)}; {latency}", api.source)
