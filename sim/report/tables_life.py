"""Tables of a product's life: promotions with what fired them, thresholds, events, moves between ways of hosting."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from sim.clock.calendar import DAY_S, SLACK_S
from sim.cost.ledger import lines_usd
from sim.lifecycle.checks import value_text, wanted
from sim.lifecycle.conditions import Condition
from sim.report.facts import Facts, PhaseFacts, civil_moment
from sim.report.figure_quality import deploys
from sim.report.findings import judged
from sim.report.nodes import served
from sim.report.numbers import NONE, between, duration, share, usd
from sim.report.numbers import slope as told
from sim.report.storms import storm_events
from sim.report.tables import Table

MAX_EVENTS = 60  # assumption: a longer table is read by nobody; all events are in events.parquet
_WORDS = {
    "api": "API fees",
    "busy": "machines at work",
    "idle": "idle machines",
    "premium": "surcharge of the managed endpoint",
    "cache": "memory of the cache",
    "hits": "requests that the cache answers",
    "throttled": "requests that a rate limit turns away",
    "labels": "labels for the monitor",
    "egress": "data sent to users",
    "logs": "logs",
    "other": "other variable cost",
}
"""Mechanisms of `sim.analysis.drivers` in the words of the report."""


def promotions(facts: Facts) -> Table:
    """Changes of phase: who serves from then on, when each was decided and took effect, and what fired its gate."""
    decided = {str(row.subject): row for row in _kind(facts, "phase_decided")}
    rows = []
    for number, phase in enumerate(facts.phases[1:], 2):
        event = decided.get(phase.name)
        asked = float(event.at_s) if event is not None else None
        begun = civil_moment(facts.calendar, asked) if asked is not None else NONE
        waited = duration(phase.start_s - asked) if asked is not None else NONE
        why = because(phase, str(event.detail) if event is not None else "")
        moment = civil_moment(facts.calendar, phase.start_s)
        rows.append((str(number), phase.name, served(phase.serving), begun, moment, waited, why))
    return Table(("number", "phase", "served by", "decided", "in effect", "time between", "because"), tuple(rows))


def because(phase: PhaseFacts, detail: str) -> str:
    """The conditions of a promotion with the values that fired it; without a gate, its date."""
    checks = [check for check in phase.said["gate"] if check["passed"] is not False]
    if not checks:
        return prettier(detail) if detail else "its date"
    missed = [check for check in phase.said["gate"] if check["passed"] is False]
    said = "; ".join(prettier(str(check["condition"])) for check in checks)
    if missed:
        said += f" (not needed: {'; '.join(prettier(str(check['condition'])) for check in missed)})"
    return said


def prettier(condition: str) -> str:
    """A condition with signs as people write them."""
    return condition.replace(">=", "≥").replace("<=", "≤")


def thresholds(facts: Facts) -> list[tuple[str, str, list[tuple[str, str, bool]]]]:
    """The named thresholds: name, limit, and for each phase (held, missed or not measured; value; whether missed).

    Limit and value read as in the sentence of the check itself.
    """
    return [
        (name.replace("_", " "), wanted(condition), [_cell(phase, name, condition) for phase in facts.phases])
        for name, condition in facts.scenario.gates.items()
        if facts.phases
    ]


def _cell(phase: PhaseFacts, name: str, condition: Condition) -> tuple[str, str, bool]:
    row = next((row for row in phase.said["thresholds"] if row["name"] == name), None)
    if row is None or row["passed"] is None:
        return "not measured", "", False
    return ("passed" if row["passed"] else "missed"), value_text(condition, row["value"]), row["passed"] is False


def main_drivers(facts: Facts) -> list[Mapping[str, Any]]:
    """What bends the cost curve, the strongest first: in the last phase that is long enough, else over the life."""
    rows = [row for row in facts.summary["drivers"] if row["scope"] == "phase"]
    return rows or list(facts.summary["drivers"])


def driver_table(facts: Facts) -> Table:
    """Mechanisms by how much each bends the curve: share of serving cost, own elasticity, and bend."""
    rows = []
    for row in main_drivers(facts):
        part = share(row["share"]) if row["accounts"] else NONE  # requests kept away cost nothing themselves
        name = _WORDS.get(str(row["mechanism"]), str(row["mechanism"]))
        rows.append((name, part, told(row["elasticity"]), between(row["lo"], row["hi"]), told(row["bend"])))
    head = ("what", f"share of {judged(facts)}", "grows by, if requests grow by 1 %", "95 % interval", "bend")
    return Table(head, tuple(rows))


def driver_scope(facts: Facts) -> str:
    """The phase that the drivers are those of, or the whole life."""
    rows = main_drivers(facts)
    return str(rows[0]["phase"]) if rows and rows[0]["phase"] else "the whole life"


def events(facts: Facts) -> Table:
    """What the figures mark, in the order of time: promotions by the phase's number, deploys as D1, D2, ...; storms."""
    rows = [
        (phase.start_s, str(number), f"{phase.name} begins", f"served by {served(phase.serving)}")
        for number, phase in enumerate(facts.phases, 1)
        if number > 1
    ]
    for deploy in deploys(facts):
        whose = f" of {deploy.workload}" if len(facts.scenario.workloads) > 1 else ""
        quality = f"right answers from {share(deploy.before)} to {share(deploy.after)}"
        rows.append((deploy.at_s, deploy.mark, f"new model{whose}", quality))
    rows += [(at_s, NONE, what, detail) for at_s, what, detail in storm_events(facts)]
    rows.sort()
    told_rows = [(mark, civil_moment(facts.calendar, at_s), what, detail) for at_s, mark, what, detail in rows]
    return Table(("mark", "when", "what", "detail"), tuple(told_rows[:MAX_EVENTS]))


def hidden_events(facts: Facts) -> int:
    """How many marked events the table leaves out."""
    marked = len(deploys(facts)) + max(0, len(facts.phases) - 1) + len(storm_events(facts))
    return max(0, marked - MAX_EVENTS)


def moves(facts: Facts) -> Table:
    """Changes of the way of hosting: what each cost once, and both bills until its overlap ends."""
    decided = {str(row.subject): float(row.at_s) for row in _kind(facts, "phase_decided")}
    rows = []
    for before, phase in pairwise(facts.phases):
        if before.serving == phase.serving:
            continue
        overlap_s = _overlap_s(phase)
        begin = decided.get(phase.name, phase.start_s)
        window = (begin, phase.start_s + overlap_s)
        once = _account_usd(facts, phase.name, "switching")
        both = _bills(facts, window)
        rows.append((
            phase.name, f"{served(before.serving)} → {served(phase.serving)}", usd(once), duration(overlap_s),
            both or NONE,
        ))  # fmt: skip
    return Table(("phase", "from → to", "paid once", "overlap", "serving bills from decision to end of overlap"),
                 tuple(rows))  # fmt: skip


def _overlap_s(phase: PhaseFacts) -> float:
    """The longest time for which what served before runs on beside the new way, seconds."""
    return max(pool.hosting.move_to(phase.serving).overlap_s for pool in phase.scenario.pools.values())


def _bills(facts: Facts, window: tuple[float, float]) -> str:
    """Serving cost that accrued in a window of time, API fees and machines apart."""
    lines = facts.run.ledger
    day_s = DAY_S if window[1] - window[0] < DAY_S else 0.0  # accounts accrue by the day
    inside = lines[(lines["at_s"] > window[0] + SLACK_S) & (lines["at_s"] <= window[1] + day_s + SLACK_S)]
    said = []
    for name, begins in (("API", "serving.api"), ("machines", "serving.machine."), ("surcharge", "serving.managed"),
                         ("commitment", "commitment")):  # fmt: skip
        amount = lines_usd(inside, inside["account"].str.startswith(begins))
        if amount > 0:
            said.append(f"{name} {usd(amount)}")
    return ", ".join(said)


def _account_usd(facts: Facts, phase: str, account: str) -> float:
    lines = facts.run.ledger
    chosen = lines[(lines["phase"] == phase) & (lines["account"] == account)]
    return lines_usd(chosen)


def _kind(facts: Facts, kind: str) -> list[Any]:
    found = facts.run.events
    return list(found[found["kind"] == kind].itertuples()) if len(found) else []
