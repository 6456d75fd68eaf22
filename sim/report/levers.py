"""Levers on the bill: what could be changed, with what it would save a month by this run's own numbers."""

import math
from dataclasses import dataclass

from sim.clock.calendar import DAY_S, HOUR_S, MONTH_DAYS, MONTH_H
from sim.cost.ledger import lines_usd
from sim.model.parameters import ModelLearning, NoLearning
from sim.policy.autoscaling import Fixed, HorizontalPodAutoscaler
from sim.policy.retraining import Never, Threshold
from sim.report import idle
from sim.report.facts import MONTHLY_TOLD_DAYS, Facts, PhaseFacts
from sim.report.findings import length
from sim.report.numbers import duration, share, three, usd
from sim.scenario.model import Pool

HERE = "scenario=scenario.yaml"  # every run keeps its scenario beside its report
SMALL = 0.01  # assumption: what saves under a hundredth of a phase's bill is not worth a meeting
MUCH_IDLE = 0.5  # assumption: above half idle, a higher target is worth a try
HIGH_TARGET = 0.8  # assumption: a target of utilisation above 80 % leaves no room while replicas start
HIGHER = 0.15  # assumption: a step of the target that shows
_ROUNDING = 1e-6  # replicas: means over time of whole numbers
_APART = 1.5  # assumption: a retraining pace within half of the best costs within a tenth of it, and is left alone


@dataclass(frozen=True)
class Step:
    """Something to do: what and why, what to type to see its effect (empty: nothing), what it saves (USD a month)."""

    text: str
    typed: str = ""
    saves_usd: float = 0.0


def levers(facts: Facts) -> list[Step]:
    """Every lever that would save something worth a meeting, the largest saving first."""
    found = (_commit(facts), _target(facts), _sourcing(facts), _premium(facts), *_retraining(facts), _throttle(facts))
    return sorted((step for step in found if step is not None), key=lambda step: -step.saves_usd)


def pool_of(phase: PhaseFacts, workload: str) -> tuple[str, Pool]:
    """The pool that a workload goes to."""
    name = phase.scenario.workloads[workload].pool
    return name, phase.scenario.pools[name]


def run_with(*changes: str) -> str:
    """A command that runs this scenario again with changes; those with spaces are quoted."""
    return f"poc2scale run {HERE} " + " ".join(f'"{change}"' if " " in change else change for change in changes)


def pool_key(facts: Facts, pool: str, key: str) -> str:
    """Where a key of a pool is typed: on the base node where there is one pool alone."""
    return key if list(facts.scenario.pools) == ["main"] else f"pools.{pool}.{key}"


def workload_key(facts: Facts, workload: str, key: str) -> str:
    """Where a key of a workload is typed: on the base node where there is one workload alone."""
    return key if list(facts.scenario.workloads) == ["main"] else f"workloads.{workload}.{key}"


def account_usd(facts: Facts, phase: PhaseFacts, begins: str) -> float:
    """A month's cost of the accounts in a phase whose names begin so, USD."""
    lines = facts.run.ledger
    chosen = lines[(lines["phase"] == phase.name) & lines["account"].str.startswith(begins)]
    return phase.a_month(lines_usd(chosen))


def _worth_it(phase: PhaseFacts, saves_usd: float) -> bool:
    return saves_usd >= phase.a_month(SMALL * phase.total_usd) > 0


def _paced(phase: PhaseFacts, a_month_usd: float) -> str:
    """$4.9k a month; in a phase that is shorter, what that comes to: $640 in the 4 days of scale."""
    days = float(phase.said["days"])
    if days >= MONTHLY_TOLD_DAYS:
        return f"{usd(a_month_usd)} a month"
    return f"{usd(a_month_usd * days / MONTH_DAYS)} in the {length(days * DAY_S)} of {phase.name}"


def _saves(phase: PhaseFacts, saves_usd: float) -> str:
    """saves about 8.1 % of the bill ($4.9k a month): an estimate, as nothing was played again."""
    return f"saves about {share(saves_usd / phase.a_month(phase.total_usd))} of the bill ({_paced(phase, saves_usd)})"


def _last_pool(facts: Facts, *modes: str) -> tuple[PhaseFacts, str, Pool] | None:
    """The last phase, if it is served so, with the pool that costs most there."""
    if not facts.phases or facts.phases[-1].serving not in modes or facts.phases[-1].said["days"] <= 0:
        return None
    phase = facts.phases[-1]
    lines = facts.run.ledger
    machines = lines["account"].str.startswith(("serving.machine.", "commitment"))
    own = lines[(lines["phase"] == phase.name) & machines]
    costs = own.groupby("resource")["amount_usd"].sum()
    names = [str(name) for name in costs.sort_values(ascending=False).index if name in phase.scenario.pools]
    name = names[0] if names else next(iter(phase.scenario.pools))
    return phase, name, phase.scenario.pools[name]


def _commit(facts: Facts) -> Step | None:
    """Commit to as many replicas as are on for long enough to be cheaper under a contract than on demand.

    The r-th replica is needed for a share of time u; committed it costs (1 - discount) of that time's price on demand,
    used or not, so that it pays where u > 1 - discount.
    """
    there = _last_pool(facts, "pool", "committed")
    if there is None:
        return None
    phase, name, pool = there
    terms = pool.hosting.committed
    windows = facts.run.timeseries
    ready = windows.loc[(windows["phase"] == phase.name) & (windows["pool"] == name), "replicas_ready"]
    if ready.empty or phase.said["days"] < MONTH_DAYS:
        return None
    had = terms.base_replicas if phase.serving == "committed" else 0
    gains = [float((ready >= r - _ROUNDING).mean()) - (1 - terms.discount) for r in range(1, int(ready.max()) + 1)]
    base = sum(gain > 0 for gain in gains)
    saves = sum(gains[had:base]) * pool.machine.price_usd_per_h * MONTH_H
    if base <= had or not _worth_it(phase, saves):
        return None
    key = f"{pool_key(facts, name, 'hosting.committed.base_replicas')}={base}"
    what = f"{base} machines instead of {had}" if had else "one machine" if base == 1 else f"{base} machines"
    typed = run_with(key) if had else run_with(f"phases.{phase.name}.serving=committed", key)
    always = gains[base - 1] + 1 - terms.discount
    return Step(
        f"Commit to {what} in {phase.name} (so many are on for {share(always)} of the time; {share(terms.discount)} "
        f"off for {_term(terms.term_s)}): {_saves(phase, saves)}.", typed, saves,
    )  # fmt: skip


def _target(facts: Facts) -> Step | None:
    """Ask more of each replica, where half of the machine time waits, and commit to fewer where they are committed."""
    there = _last_pool(facts, "pool", "managed", "committed")
    if there is None or (there[0].said["idle_share"] or 0.0) < MUCH_IDLE or there[0].missed:
        return None
    phase, name, pool = there
    scaler, had = pool.autoscaler, idle.committed_to(phase, pool)[0]
    if not isinstance(scaler, Fixed | HorizontalPodAutoscaler):
        return None
    what = f"{share(phase.said['idle_share'])} of the machine hours in {phase.name} wait"
    if isinstance(scaler, Fixed):
        saving = idle.by_autoscaler(facts, phase, name, pool)
        key = pool_key(facts, name, "autoscaler")
        typed = ["autoscaler=hpa" if key == "autoscaler" else f"{key}.kind=hpa"]
        do = "Let an autoscaler follow the traffic"
    elif (
        not isinstance(scaler, HorizontalPodAutoscaler)
        or scaler.metrics
        or scaler.metric != "utilisation"
        or scaler.target >= HIGH_TARGET
    ):
        return None
    else:
        higher = min(HIGH_TARGET, scaler.target + HIGHER)
        saving = idle.by_target(facts, phase, name, pool, scaler.min_replicas, scaler.target / higher)
        typed = [f"{pool_key(facts, name, 'autoscaler.target')}={100 * higher:.0f} %"]
        do = f"Ask more of each machine, {share(higher)} of its time instead of {share(scaler.target)}"
    if not _worth_it(phase, saving.usd):
        return None
    if saving.base < had:
        do += f", and commit to {saving.base} instead of {had}"
        typed.append(f"{pool_key(facts, name, 'hosting.committed.base_replicas')}={saving.base}")
    weight = saving.usd if isinstance(scaler, HorizontalPodAutoscaler) else saving.usd / 2
    return Step(f"{do}: {_saves(phase, saving.usd)}, as {what}.", run_with(*typed), weight)


def _sourcing(facts: Facts) -> Step | None:
    """Where a phase on the API and one on machines can be compared, the cheaper one for a request is said."""
    rented = [p for p in facts.asked if not p.on_machines and _serving_per_request(facts, p)]
    last = facts.phases[-1]
    if not rented or not last.on_machines or not last.said["requests"] or last.said["days"] < MONTH_DAYS:
        return None
    api = rented[-1]
    ask, give = _serving_per_request(facts, api), _serving_per_request(facts, last)
    saves = last.a_month((give - ask) * last.said["requests"])
    if not _worth_it(last, saves):
        return None
    slow = f" The API missed its promise to users in {api.name}." if api.missed else ""
    return Step(
        f"Ask whether {last.name} should stay on the rented API: {_saves(last, saves)}, as serving a thousand requests "
        f"costs {usd(1000 * ask)} there and {usd(1000 * give)} on machines.{slow}",
        run_with(f"phases.{last.name}.serving=api"), saves / 2 if api.missed else saves,
    )  # fmt: skip


def _serving_per_request(facts: Facts, phase: PhaseFacts) -> float:
    """What serving alone costs for a request, USD: machines and their commitment, or API fees; 0 without requests."""
    days, requests = float(phase.said["days"]), int(phase.said["requests"])
    a_month = account_usd(facts, phase, "serving.") + account_usd(facts, phase, "commitment")
    return a_month * days / MONTH_DAYS / requests if requests else 0.0


def _premium(facts: Facts) -> Step | None:
    """Leave a managed endpoint, where its premium is a part of the bill worth a meeting."""
    there = _last_pool(facts, "managed")
    if there is None:
        return None
    phase, _, pool = there
    premium = account_usd(facts, phase, "serving.managed_premium")
    move = pool.hosting.pool.switching_usd
    if not _worth_it(phase, premium):
        return None
    months = f"; the move costs {usd(move)}, {three(math.ceil(10 * move / premium) / 10)} months of it" if move else ""
    return Step(
        f"Weigh own machines against the managed endpoint: to be without its surcharge {_saves(phase, premium)}"
        f"{months}, and people to run the machines come on top.",
        run_with(f"phases.{phase.name}.serving=pool"), premium / 2,
    )  # fmt: skip


def _retraining(facts: Facts) -> list[Step]:
    """Retrain at the pace where a month's stale answers cost as much as a month's training (square-root rule)."""
    phase = facts.phases[-1] if facts.phases else None
    if phase is None or phase.said["days"] < MONTH_DAYS:
        return []
    steps = []
    lines, months = facts.run.value, float(phase.said["days"]) / MONTH_DAYS
    for name, workload in phase.scenario.workloads.items():
        learning = workload.learning
        if isinstance(learning, NoLearning):
            continue
        own = lines[(lines["phase"] == phase.name) & (lines["workload"] == name)]
        stale = lines_usd(own, own["account"] == "value.staleness") / months
        training = learning.training
        job = training.machines * training.price_usd_per_h * training.duration_s / HOUR_S
        job += training.data_usd + training.labels_usd
        steps.append(_pace(facts, phase, name, learning, stale, job))
    return [step for step in steps if step is not None]


def _pace(facts: Facts, phase: PhaseFacts, name: str, learning: ModelLearning, stale: float, job: float) -> Step | None:
    """stale: value lost to stale answers a month; job: cost of one training, both USD."""
    retraining = learning.retraining
    if stale <= 0 or not _worth_it(phase, stale):
        return None
    whose = f" of {name}" if len(facts.scenario.workloads) > 1 else ""
    loses = f"stale answers{whose} lose {usd(stale)} of value a month in {phase.name}, and a training costs {usd(job)}"
    if isinstance(retraining, Never):
        typed = "learning=periodic" if name == "main" else ""
        return Step(f"Retrain the model: {loses}.", run_with(typed) if typed else "", stale / 2)
    if isinstance(retraining, Threshold):
        if stale <= 2 * job:
            return None
        below, half = retraining.below, (retraining.below + learning.quality) / 2
        typed = run_with(f"{workload_key(facts, name, 'learning.retraining.below')}={100 * half:.3g} %")
        return Step(
            f"Retrain earlier, at {share(half)} of right answers instead of {share(below)}: {loses}.", typed, stale / 2
        )
    period_days = retraining.period_s / DAY_S
    spent = job * MONTH_DAYS / period_days
    best = period_days * math.sqrt(spent / stale) if job else period_days / 2
    least = math.ceil((training_s(learning)) / DAY_S)
    best = max(float(least), float(round(best)), 1.0)
    if period_days / best < _APART:
        return None
    saves = stale * (1 - best / period_days) - spent * (period_days / best - 1)
    if not _worth_it(phase, saves):
        return None
    key = workload_key(facts, name, "learning.retraining.period")
    return Step(
        f"Retrain every {best:.0f} days instead of {three(period_days)}: {loses}.", run_with(f"{key}={best:.0f} d"),
        saves,
    )  # fmt: skip


def training_s(learning: ModelLearning) -> float:
    """Seconds from the start of a training to its deploy."""
    return learning.training.duration_s + learning.training.approval_s


def _throttle(facts: Facts) -> Step | None:
    phase = facts.phases[-1] if facts.phases else None
    if phase is None or not phase.said["days"]:
        return None
    lost = phase.a_month(float((phase.said["value_lost_usd"] or {}).get("throttled") or 0.0))
    if not _worth_it(phase, lost):
        return None
    away = share(phase.said["throttled_share"])
    return Step(
        f"Raise the rate limit: it turns {away} of requests away in {phase.name}, worth {_paced(phase, lost)}.",
        saves_usd=lost / 2,
    )


def _term(term_s: float) -> str:
    days = term_s / DAY_S
    return "a year" if 364 < days < 367 else "three years" if 1090 < days < 1100 else duration(term_s)
