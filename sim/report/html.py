"""One HTML file that holds a whole report, and its figures and their data as files beside it."""

import base64
import re
from pathlib import Path
from typing import Any

from sim.report import (
    advice,
    assumptions,
    first_page,
    glossary,
    levers,
    outlook,
    phrases,
    tables,
    tables_life,
    tables_scale,
)
from sim.report.canvas import Plot
from sim.report.facts import Facts, ReportedRun, gather
from sim.report.figure_bend import cost_against_traffic
from sim.report.figure_cache import cache
from sim.report.figure_cost import cost_over_time, variable_money
from sim.report.figure_quality import quality
from sim.report.figure_scale import scale
from sim.report.figure_traffic import demand, latency
from sim.report.figure_value import value
from sim.report.nodes import served


def write_report(run: ReportedRun, folder: Path) -> None:
    """Write report.html, plots/*.svg and plots/*.csv (units in their headers) into `folder`.

    The same run gives the same bytes: nothing here reads a clock. Raises OSError where the folder cannot be written.
    """
    facts = gather(run)
    figures = plots(facts)
    for figure in figures:
        write_plot(figure, folder)
    write(folder / "report.html", page(facts, figures))


def plots(facts: Facts) -> list[Plot]:
    """The figures in the order of a decision maker's questions; those that have nothing to show are left out."""
    figures = (
        cost_over_time(facts), cost_against_traffic(facts), variable_money(facts), latency(facts), quality(facts),
        demand(facts), cache(facts), value(facts), scale(facts),
    )  # fmt: skip
    return [figure for figure in figures if figure is not None]


def page(facts: Facts, figures: list[Plot]) -> str:
    """The report as HTML text."""
    return rendered("report.html.j2", _content(facts, figures))


def rendered(template: str, content: dict[str, Any]) -> str:
    """One of this room's templates with its content, as HTML text."""
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
    text: str = environment.get_template(template).render(content | {"data_uri": _data_uri})
    return text


def _content(facts: Facts, figures: list[Plot]) -> dict[str, Any]:
    manifest, run = facts.run.manifest, facts.run
    scaled = facts.summary["scale_check"] is not None
    return {
        "name": facts.scenario.name,
        "sentence": first_page.scenario_sentence(facts),
        "conclusions": first_page.conclusions(facts),
        "phase_costs": first_page.phase_costs(facts),
        "promise": first_page.promise_words(facts),
        "steps": advice.next_steps(facts),
        "look_again": outlook.look_again(facts),
        "phrases": phrases.phrases(facts),
        "figures": figures,
        "phases": facts.phases,
        "served": served,
        "phase_rows": tables.phase_rows(facts),
        "accounts": tables.accounts(facts),
        "outcomes": tables.outcomes(facts),
        "promotions": tables_life.promotions(facts),
        "thresholds": tables_life.thresholds(facts),
        "events": tables_life.events(facts),
        "hidden_events": tables_life.hidden_events(facts),
        "moves": tables_life.moves(facts),
        "drivers": tables_life.driver_table(facts),
        "driver_scope": tables_life.driver_scope(facts),
        "scale": tables_scale.scale(facts) if scaled else None,
        "scale_said": tables_scale.scale_sentences(facts) if scaled else [],
        "scale_words": first_page.scale_words(facts),
        "assumptions": assumptions.assumptions(facts),
        "notes": facts.notes,
        "glossary": glossary.GLOSSARY,
        "command": f"poc2scale run {levers.HERE} seed={run.seed}{' --scale-check' if scaled else ''}",
        "seed": run.seed,
        "version": manifest["version"],
        "engine": manifest["engine"],
        "timezone": facts.scenario.timezone,
    }


def _kept_together(text: str) -> str:
    """The text with no line break between a number and its unit."""
    text = text.replace(">= ", "≥ ").replace("<= ", "≤ ")
    return re.sub(
        r"(?<=\d) (?=(?:%|s|ms|µs|min|h|d|million|billion|req/\w+|days?|months?|[JFMASOND][a-z]+ 20\d\d)\b|%)",
        "\u00a0",
        text,
    )


def _data_uri(csv: str) -> str:
    """CSV as a link that holds it."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(csv.encode()).decode()


def write_plot(figure: Plot, folder: Path) -> None:
    """plots/KEY.svg and its data, plots/KEY.csv, in a folder."""
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    write(folder / "plots" / f"{figure.key}.svg", figure.alone)
    write(folder / "plots" / f"{figure.key}.csv", figure.csv)


def write(path: Path, text: str) -> None:
    """A text file, the same bytes on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")
