"""The verbs that take many runs: compare, sweep, tune. What they refuse, print and write; the study room plays."""

import hashlib
import json
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.exits import OK, was_stopped
from sim.scenario_verbs import say

if TYPE_CHECKING:
    from sim.scenario.model import Scenario
    from sim.study.campaign import Design, Progressed
    from sim.study.candidates import Candidate
    from sim.study.comparison import Comparison
    from sim.study.kept import Kept

Prepare = Callable[[Path, bool, "Sequence[Scenario]"], None]
"""What must be before long work, given the place for its results, whether to be quiet, and what is played."""


def compare_options(parser: ArgumentParser) -> None:
    """Options of `compare`."""
    parser.description = "Play several candidates with common random numbers, and say which holds the SLO most cheaply."
    _study_options(parser, replications=20)
    _candidate_options(parser)


def sweep_options(parser: ArgumentParser) -> None:
    """Options of `sweep`."""
    parser.description = "Play every combination of the values that are listed for any keys, and compare them all."
    _study_options(parser, replications=5)
    _candidate_options(parser)


def tune_options(parser: ArgumentParser) -> None:
    """Options of `tune`."""
    parser.description = "Search parameters for the least cost under the SLO (needs pip install 'poc2scale[tune]')."
    _study_options(parser, replications=5)
    parser.add_argument("--trials", type=int, default=30, metavar="N", help="points that are tried (default: 30)")


def _study_options(parser: ArgumentParser, replications: int) -> None:
    parser.add_argument(
        "overrides", nargs="*", default=[], metavar="OVERRIDE",
        help="as for run; lists of values (autoscaler=fixed,hpa) are what is compared, for tune also key=interval(A,B)",
    )  # fmt: skip
    parser.add_argument(
        "--replications", type=int, default=replications, metavar="N",
        help=f"of each candidate, at most where --until stops earlier (default: {replications})",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, default=None, metavar="N", help="processes (default: one a core)")
    parser.add_argument(
        "--resume", action="store_true", default=False, help="do not play again what an earlier study finished"
    )
    parser.add_argument("--json", action="store_true", default=False, help="print the result as one JSON object")
    parser.add_argument("--out", default="outputs", metavar="DIR", help="where studies are kept (default: outputs)")
    parser.add_argument("--quiet", action="store_true", default=False, help="no progress")


def _candidate_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--candidate", action="append", default=[], metavar="TEXT",
        help='one more candidate: "half: autoscaler=hpa autoscaler.target=50 %%"',
    )  # fmt: skip
    parser.add_argument(
        "--until", default=None, metavar="TEXT",
        help='stop when differences are known as well as "cost: 1 %%" (or serving, attainment, p50, p99 ...)',
    )  # fmt: skip


def compare(typed: Namespace, prepare: Prepare) -> int:
    """Candidates side by side."""
    return _compared(typed, "compare", prepare)


def sweep(typed: Namespace, prepare: Prepare) -> int:
    """Every combination of listed values."""
    return _compared(typed, "sweep", prepare)


def tune(typed: Namespace, prepare: Prepare) -> int:
    """The least cost under the SLO."""
    from sim.report import tuning
    from sim.scenario.manifests import ignored
    from sim.study import tune as search
    from sim.study.candidates import candidates, grid
    from sim.study.processes import Workers
    from sim.study.spaces import axes_of, parse_spaces

    search.check_installed()
    design, workers = _asked(typed, None)
    tuning.check_trials(typed.trials)
    common, spaces = parse_spaces(typed.overrides)
    ends = [cell for axis in axes_of(spaces) for cell in grid([axis])]
    checked = candidates(common, [(f"{cell[0]} ({i})", cell[1]) for i, cell in enumerate(ends)])
    say(ignored([*common, *cell[1]] for cell in ends))
    name = checked[0].scenario.name
    home = Path(typed.out) / f"tune-{name}"
    kept = _kept(typed, home, None)
    prepare(home, typed.quiet, [candidate.scenario for candidate in checked])
    processes = Workers(min(workers, design.replications))
    with _interruptible(home), _counting(typed.quiet, "trials") as count, processes:
        tuned = search.tune(common, spaces, typed.trials, design, processes, kept, count)
    command = _command("tune", typed, ["--trials", str(typed.trials)])
    written = _write(home, command, tuned.final, lambda folder: tuning.write_tuned(tuned, folder, command))
    if typed.json:
        print(json.dumps(tuning.as_json(tuned) | {"study_dir": str(written)}, allow_nan=False))
    else:
        tuning.show(tuned, sys.stdout, written)
    return OK


def _compared(typed: Namespace, verb: str, prepare: Prepare) -> int:
    from sim.report.compare_page import write_comparison
    from sim.report.comparison_words import verdict
    from sim.report.tables_comparison import show
    from sim.study.campaign import play
    from sim.study.comparison import compared
    from sim.study.processes import Workers

    design, workers = _asked(typed, typed.until)
    chosen = _candidates(typed, verb)
    home = Path(typed.out) / f"{verb}-{chosen[0].scenario.name}"
    kept = _kept(typed, home, (chosen, design))
    scenarios = [candidate.scenario for candidate in chosen]
    prepare(home, typed.quiet, scenarios)
    processes = Workers(min(workers, len(chosen) * design.replications))
    with _interruptible(home), _counting(typed.quiet, "replications") as count, processes:

        def watch(progressed: "Progressed") -> None:
            count(progressed.done, progressed.most)

        comparison = compared(chosen, play(scenarios, design, processes, kept, watch))
    more = [word for text in typed.candidate for word in ("--candidate", text)]
    command = _command(verb, typed, more + (["--until", typed.until] if typed.until else []))
    written = _write(
        home, command, comparison, lambda folder: write_comparison(comparison, folder, verb, command)
    )  # fmt: skip
    if typed.json:
        told = comparison.as_json() | {"said": verdict(comparison), "study_dir": str(written)}
        print(json.dumps(told, allow_nan=False))
    else:
        show(comparison, sys.stdout, str(written / f"{verb}.html"))
    return OK


def _asked(typed: Namespace, until: str | None) -> "tuple[Design, int]":
    """The design, and how many processes; what `sim.replicate` would say of its arguments is said of the options."""
    from sim.config import InputError
    from sim.study.campaign import Design
    from sim.study.processes import workers_or_all
    from sim.study.stopping import parse_until

    options = {"n": "--replications", "workers": "--workers", "until": "--until"}
    try:
        design = Design(typed.replications, until=None if until is None else parse_until(until))
        return design, workers_or_all(typed.workers)
    except InputError as e:
        raise InputError(*(replace(found, where=options[found.where]) for found in e.problems)) from None


def _candidates(typed: Namespace, verb: str) -> "list[Candidate]":
    from sim.config import InputError, Problem
    from sim.scenario.manifests import ignored
    from sim.study.candidates import candidates, grid, named, split

    common, axes = split(typed.overrides)
    cells = [*(grid(axes) if axes else []), *named(typed.candidate)]
    if len(cells) < 2:
        example = "autoscaler=fixed,hpa" if verb == "compare" else '"autoscaler.target=50 %,60 %,70 %"'
        message = f"nothing to {verb}. List two or more values for a key, such as {example}, or type --candidate twice."
        raise InputError(Problem(verb, None, message))
    chosen = candidates(common, cells)
    say(ignored([*common, *cell[1]] for cell in cells))
    return chosen


def _kept(typed: Namespace, home: Path, asked: "tuple[list[Candidate], Design] | None") -> "Kept":
    """The folder of finished replications. Refuses to resume where there is nothing that could be gone on with."""
    from sim.config import InputError, Problem
    from sim.study.kept import Kept, digest_of

    kept = Kept(home / "replications", typed.resume)
    if not typed.resume:
        return kept
    if asked is None:
        found = kept.folder.is_dir() and any(kept.folder.glob("*.json"))
    else:
        digests = [digest_of(candidate.scenario) for candidate in asked[0]]
        found = any(kept.find(digest, r) for digest in digests for r in range(asked[1].replications))
    if not found:
        message = f"nothing of these candidates is kept in {kept.folder}. Type the command without --resume."
        raise InputError(Problem("--resume", None, message))
    return kept


def _command(verb: str, typed: Namespace, more: Sequence[str]) -> str:
    """The command that gives the same result again."""
    words = ["poc2scale", verb, *typed.overrides, *more, "--replications", str(typed.replications)]
    return shlex.join(words)


def _write(home: Path, command: str, comparison: "Comparison", fill: Callable[[Path], None]) -> Path:
    """Write the study's folder; its name is the seed and a digest of what was asked."""
    from sim.record.store import write_folder
    from sim.scenario import dump

    asked = command + "".join(dump(row.candidate.scenario) for row in comparison.rows)
    digest = hashlib.blake2b(asked.encode(), digest_size=5).hexdigest()
    return write_folder(home, f"seed{comparison.seed}-{digest}", fill)


@contextmanager
def _interruptible(home: Path) -> Iterator[None]:
    """Ctrl-C says what is kept and how to go on."""
    try:
        yield
    except (KeyboardInterrupt, Exception) as e:
        if isinstance(e, Exception) and not was_stopped():
            raise
        count = len(list((home / "replications").glob("*.json")))
        how = "Type the same command with --resume to go on." if count else "Nothing was written."
        raise KeyboardInterrupt(
            f"poc2scale: interrupted; {count} finished replications are kept in {home / 'replications'}. {how}"
        ) from None


@contextmanager
def _counting(quiet: bool, things: str) -> Iterator[Callable[[int, int], None]]:
    """A callable that shows how many of how many are done, on a terminal alone."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, most: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn(things), TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, most: bar.update(task, total=most, completed=done)
