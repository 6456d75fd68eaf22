"""The folder of a comparison: one HTML page, its table as CSV and JSON, the plot, and every candidate's scenario."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from sim import __version__
from sim.report import html
from sim.report.comparison_words import verdict
from sim.report.figure_pareto import pareto
from sim.report.tables_comparison import page_head, page_rows
from sim.scenario import dump
from sim.study.comparison import Comparison
from sim.study.figures import REVERSAL_S

GLOSSARY = (
    ("serving cost", "Variable cost and commitments. Candidates are ranked by it where all else costs the same."),
    ("total cost", "All of the ledger: people, tools and training too."),
    ("within the SLO", "Share of the requests that ended which were answered in time; throttled ones do not count. The "
     "SLO is held where the mean over the replications is at least the promise, for each workload in each phase."),
    ("not answered", "Share of all requests that were rejected, throttled, failed or timed out."),
    ("replica-hours billed", "Hours of machines as they are billed, from request to release, covered or not."),
    ("scaling actions", "Changes of a pool's count that its controller decided."),
    ("reversals", f"Scaling actions that undo the direction of the one before within {REVERSAL_S / 60:g} min: thrash."),
    ("longest time below the promise", "The longest run of record windows in which a workload's attainment was below "
     "its promise: the time that the worst spike took to be absorbed."),
    ("on the front", "No other candidate is at most as dear and at least as good, and better in one of them."),
)  # fmt: skip


def write_comparison(comparison: Comparison, folder: Path, verb: str, command: str, found: Sequence[str] = ()) -> None:
    """Write VERB.html, compare.csv, compare.json, replications.csv, plots/ and candidates/ into a folder.

    command: what was typed; found: sentences of a search that this comparison ends, said before its own. The same
    comparison gives the same bytes. Raises OSError.
    """
    figure = pareto(comparison)
    if figure is not None:
        html.write_plot(figure, folder)
    first, *others = said = [*found, *verdict(comparison)]
    content = {
        "name": comparison.scenario, "verb": verb, "sentence": first, "sentences": others, "figure": figure,
        "replications": comparison.replications, "reference": comparison.reference, "head": page_head(comparison),
        "rows": page_rows(comparison), "glossary": GLOSSARY, "version": __version__, "seed": comparison.seed,
        "command": command,
    }  # fmt: skip
    html.write(folder / f"{verb}.html", html.rendered("compare.html.j2", content))
    html.write(folder / "compare.csv", comparison.frame().to_csv(index=False, lineterminator="\n"))
    html.write(folder / "replications.csv", comparison.replications_frame().to_csv(index=False, lineterminator="\n"))
    summary = comparison.as_json() | {"said": said}
    html.write(folder / "compare.json", json.dumps(summary, indent=1, allow_nan=False) + "\n")
    (folder / "candidates").mkdir()
    for number, row in enumerate(comparison.rows, 1):
        name = re.sub(r"[^A-Za-z0-9_.=-]+", "-", row.name).strip("-")[:60]
        html.write(folder / "candidates" / f"{number}-{name}.yaml", dump(row.candidate.scenario))
