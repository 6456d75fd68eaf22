"""A search as a user sees it: the tuned scenario against the default, every trial, and what to type."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sim.config import InputError, Problem
from sim.report import html
from sim.report.compare_page import write_comparison
from sim.report.comparison_words import verdict
from sim.report.numbers import usd
from sim.report.tables_comparison import show as show_comparison
from sim.report.terminal import say
from sim.scenario import dump

if TYPE_CHECKING:
    from sim.study.tune import Tuned

MOST_TRIALS = 10_000  # assumption: Optuna's estimator needs hundreds for a handful of parameters


def check_trials(trials: int) -> None:
    """Raises InputError for a number of trials that is none."""
    if not 1 <= trials <= MOST_TRIALS:
        message = f"out of range. It must be 1 to {MOST_TRIALS:,}; type --trials 30."
        raise InputError(Problem("--trials", trials, message))


def headline(tuned: "Tuned") -> str:
    """What the search found."""
    best = tuned.best
    held = sum(trial.held for trial in tuned.trials)
    if not best.held:
        missing = "no request ended" if best.margin is None else f"{100 * -best.margin:.3g} points below the promise"
        return f"No trial of {len(tuned.trials)} holds the SLO. The best reached is {' '.join(best.typed)}: {missing}."
    return (
        f"{held} of {len(tuned.trials)} trials hold the SLO. The cheapest is {' '.join(best.typed)}: "
        f"{usd(best.cost_usd)}, {100 * (best.margin or 0.0):.3g} points above the promise. On replications that the "
        "search has not seen:"
    )


def in_vain(tuned: "Tuned") -> list[str]:
    """That what was searched makes no difference: different points, and every measure of all of them the same."""
    points = {trial.typed for trial in tuned.trials}
    if len(points) < 2 or len({trial.means for trial in tuned.trials}) > 1:
        return []
    keys = [text.partition("=")[0] for text in tuned.best.typed]
    what = f"{keys[0]} makes" if len(keys) == 1 else f"{', '.join(keys[:-1])} and {keys[-1]} make"
    return [
        f"All {len(tuned.trials):,} trials, of {len(points):,} different points, came out the same in every measure: "
        f"{what} no difference here, within what was searched. Search another key, or wider."
    ]


def sentences(tuned: "Tuned") -> list[str]:
    """What the search found; the last leads to what the comparison at its end says."""
    return [*in_vain(tuned), headline(tuned)]


def command(tuned: "Tuned") -> str:
    """What plays the tuned scenario."""
    return shlex.join(["poc2scale", "run", *tuned.command])


def manifests(tuned: "Tuned") -> dict[str, str]:
    """The tuned policies as manifests, by file name: of the pools whose policy came from one."""
    from sim.policy.manifests import write
    from sim.scenario.manifests import named

    scenario = tuned.final.rows[0].candidate.scenario
    found = {}
    for used in named(tuned.command):
        for pool in used.pools:
            which = f"{pool}-" if len(scenario.pools) > 1 else ""
            policy = scenario.pools[pool].autoscaler
            found[f"best-{which}{Path(used.path).name}"] = write(
                policy, used.text, metrics=used.metrics, name=used.name
            )
    return found


def as_json(tuned: "Tuned") -> dict[str, Any]:
    """Plain values."""
    trials = [
        {"overrides": list(t.typed), "cost_usd": t.cost_usd, "slo_margin": t.margin, "slo_held": t.held}
        for t in tuned.trials
    ]
    return {
        "best": list(tuned.best.typed),
        "run": command(tuned),
        "trials": trials,
        "final": tuned.final.as_json(),
        "manifests": manifests(tuned),
        "said": [*sentences(tuned), *verdict(tuned.final)],
    }


def write_tuned(tuned: "Tuned", folder: Path, typed: str) -> None:
    """Write best.yaml, trials.csv and the comparison with the default into a folder, and the best as a manifest where
    the policy came from one. Raises OSError.
    """
    write_comparison(tuned.final, folder, "tune", typed, sentences(tuned))
    whole = dump(tuned.final.rows[0].candidate.scenario)
    head = f"# Tuned: {' '.join(tuned.best.typed)}\n# {command(tuned)}\n"
    html.write(folder / "best.yaml", head + whole)
    for name, text in manifests(tuned).items():
        html.write(folder / name, text)
    import pandas as pd

    rows = [
        {"trial": i, "overrides": " ".join(t.typed), "cost_usd": t.cost_usd, "slo_margin": t.margin, "slo_held": t.held}
        for i, t in enumerate(tuned.trials)
    ]
    html.write(folder / "trials.csv", pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))


def show(tuned: "Tuned", stream: TextIO, folder: Path) -> None:
    """Print what was found, the comparison with the default, and what to type."""
    say(stream, "\n".join(sentences(tuned)) + "\n")
    show_comparison(tuned.final, stream, str(folder / "tune.html"))
    say(stream, f"Play it: {command(tuned)}\nOr: poc2scale run scenario={folder / 'best.yaml'}\n")
    for name in manifests(tuned):
        say(stream, f"As a manifest: {folder / name}\n")
