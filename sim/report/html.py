"""One HTML file that holds a whole report, and its figures and their data as files beside it."""

import base64
import re
from pathlib import Path
from typing import Any

from sim.report import advice, assumptions, findings, tables
from sim.report.canvas import Plot
from sim.report.facts import Facts, ReportedRun, civil_moment, gather
from sim.report.figure_cost import cost_against_traffic, cost_over_time
from sim.report.figure_traffic import demand, latency
from sim.report.numbers import many


def write_report(run: ReportedRun, folder: Path) -> None:
    """Write report.html, plots/*.svg and plots/*.csv (units in their headers) into `folder`.

    The same run gives the same bytes: nothing here reads a clock. Raises OSError where the folder cannot be written.
    """
    facts = gather(run)
    figures = plots(facts)
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    for figure in figures:
        _write(folder / "plots" / f"{figure.key}.svg", figure.alone)
        _write(folder / "plots" / f"{figure.key}.csv", figure.csv)
    _write(folder / "report.html", page(facts, figures))


def plots(facts: Facts) -> list[Plot]:
    """The figures in the order of a decision maker's questions."""
    return [cost_over_time(facts), cost_against_traffic(facts), latency(facts), demand(facts)]


def page(facts: Facts, figures: list[Plot]) -> str:
    """The report as HTML text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("sim.report", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["kept"] = _kept_together
    text: str = environment.get_template("report.html.j2").render(_content(facts, figures))
    return text


def scenario_sentence(facts: Facts) -> str:
    """The scenario in a sentence: what it is, from when to when, how much of it was simulated."""
    start, end = (civil_moment(facts.calendar, at_s) for at_s in (0.0, facts.horizon_s))
    phases = " → ".join(phase.name for phase in facts.phases)
    through = f" through {len(facts.phases)} phases ({phases})" if len(facts.phases) > 1 else ""
    what = facts.scenario.description.strip() or f"Scenario {facts.scenario.name}."
    count = many(facts.requests)
    noun = "request" if facts.requests == 1 else "requests"
    return f"{what} From {start} to {end}{through}: {count} {noun}, simulated one by one."


def _content(facts: Facts, figures: list[Plot]) -> dict[str, Any]:
    manifest, run = facts.run.manifest, facts.run
    return {
        "name": facts.scenario.name,
        "sentence": scenario_sentence(facts),
        "conclusions": findings.conclusions(facts),
        "steps": advice.next_steps(facts),
        "look_again": advice.look_again(facts),
        "figures": figures,
        "data_uri": _data_uri,
        "phases": facts.phases,
        "phase_rows": tables.phase_rows(facts),
        "accounts": tables.accounts(facts),
        "outcomes": tables.outcomes(facts),
        "promotions": tables.promotions(facts),
        "assumptions": assumptions.assumptions(facts),
        "notes": facts.notes,
        "glossary": assumptions.GLOSSARY,
        "command": f"poc2scale run {advice.HERE} seed={run.seed}",
        "seed": run.seed,
        "version": manifest["version"],
        "engine": manifest["engine"],
        "timezone": facts.scenario.timezone,
    }


def _kept_together(text: str) -> str:
    """The text with no line break between a number and its unit."""
    return re.sub(r"(?<=\d) (?=(?:%|s|ms|µs|min|h|d|million|billion|req/\w+|days?|months?)\b|%)", "\u00a0", text)


def _data_uri(csv: str) -> str:
    """CSV as a link that holds it."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(csv.encode()).decode()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
