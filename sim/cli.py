"""The command `poc2scale`: each verb reads what was typed, calls the room that does the work, and prints.

Results go to standard output, all else to standard error. Exit codes: see `sim.exits`.
"""

import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from sim import scenario_verbs, study_verbs
from sim.exits import INTERRUPTED, OK, THRESHOLD, WRONG_INPUT, Usage, close_stdout, failed, note, stop_when_asked, tell

if TYPE_CHECKING:
    from pathlib import Path

    from sim.scenario.model import Scenario
    from sim.world import Run

_HELP = """\
usage: poc2scale VERB [scenario=NAME] [group=option ...] [key=value ...] [options]

Simulates the life of a machine-learning product, request by request, and answers in money.

verbs:
  run      simulate a scenario and write its report
  compare  several candidates with common random numbers: which holds the SLO most cheaply, and is that real
  sweep    every combination of the values listed for any keys
  tune     search parameters for the least cost under the SLO
  check    print the whole scenario and what each phase changes; run nothing
  manifest print a pool's scaling policy as a manifest: poc2scale manifest autoscaler=hpa
  list     show the groups to choose from, or the options of one: poc2scale list machine

options:
  --help, -h    this text, or a verb's own after the verb
  --version     the version

examples:
  poc2scale run
  poc2scale run autoscaler=fixed autoscaler.replicas=3 "horizon=18 months" --json
  poc2scale run --scale-check
  poc2scale compare autoscaler=fixed,hpa --replications 20
  poc2scale run scenario=worldcup98 workload.path=FILE
  poc2scale check scenario=outputs/document_assistant/latest/scenario.yaml "workload.timeout=30 s"
"""


class _Parser(ArgumentParser):
    """argparse, with errors in our own words instead of an exit."""

    def error(self, message: str) -> NoReturn:
        raise Usage(f"{message}. Type `{self.prog} --help`.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; every error becomes a line on standard error."""
    try:
        code = _verb(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as e:
        return tell(str(e) or "poc2scale: interrupted; nothing was written.", INTERRUPTED)
    except BrokenPipeError:
        close_stdout()
        return OK
    except Usage as e:
        return tell(f"poc2scale: {e}", WRONG_INPUT)
    except Exception as e:
        return failed(e)


def _verb(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_HELP, end="", file=sys.stdout if argv else sys.stderr)
        return OK if argv else WRONG_INPUT
    if argv[0] == "--version":
        from sim import __version__

        print(f"poc2scale {__version__}")
        return OK
    if argv[0] not in _VERBS:
        raise Usage(f"{argv[0]}: no such verb. {_nearest(argv[0], _VERBS)}Verbs: {', '.join(_VERBS)}.")
    prepare, work = _VERBS[argv[0]]
    parser = _Parser(prog=f"poc2scale {argv[0]}", argument_default=SUPPRESS, allow_abbrev=False)
    prepare(parser)
    return work(parser.parse_intermixed_args(argv[1:]))


def _run_options(parser: ArgumentParser) -> None:
    parser.description = "Simulate a scenario and write its report."
    scenario_verbs.overrides_argument(parser)
    parser.add_argument("--json", action="store_true", default=False, help="print the summary as one JSON object")
    parser.add_argument(
        "--fail-on-slo", action="store_true", default=False, help="exit with 1 when a phase misses its SLO"
    )
    parser.add_argument(
        "--scale-check", action="store_true", default=False,
        help="play it again at half, the same and twice the traffic, and say how cost follows",
    )  # fmt: skip
    parser.add_argument("--out", default="outputs", metavar="DIR", help="where runs are kept (default: outputs)")
    parser.add_argument("--quiet", action="store_true", default=False, help="no progress bar")


def _list_options(parser: ArgumentParser) -> None:
    parser.description = "Show the groups to choose from, or the options of one."
    parser.add_argument("group", nargs="?", default=None, help="such as machine; none: all groups")


def run(typed: Namespace) -> int:
    """Simulate, write the run's folder, print the summary."""
    import json
    from pathlib import Path

    out = Path(typed.out)
    _writable(out)
    scenario = scenario_verbs.loaded(typed.overrides)[0]
    if typed.scale_check:
        _check_scalable(scenario)
    from time import monotonic

    from sim.record import store
    from sim.report import html, terminal
    from sim.scenario.dump import dump
    from sim.world import simulate

    prepare(out / scenario.name, typed.quiet, [scenario])
    begun = monotonic()
    with terminal.progress_bar(sys.stderr, quiet=typed.quiet) as progress:
        result = simulate(scenario, progress=progress, spool=out / scenario.name)
    if typed.scale_check:
        result = _scale_checked(result, typed.quiet)
    summary = result.summary()
    contents = store.Contents(
        scenario.name, dump(scenario), summary, result.frames(), result.events, result.notes, result.manifest,
        monotonic() - begun, result.request_log,
    )  # fmt: skip
    run_dir = store.write(contents, out, report=lambda folder: html.write_report(result, folder))
    summary = {**summary, "run_dir": str(run_dir)}
    if typed.json:
        print(json.dumps(summary, allow_nan=False))
    else:
        terminal.phase_table(result, sys.stdout, run_dir)
        for sentence in (summary["scale_check"] or {}).get("said", ()):
            print(f"Scale check: {sentence}")
    return _judged(summary) if typed.fail_on_slo else OK


def _check_scalable(scenario: "Scenario") -> None:
    """Refuse what the scale check cannot play, before the run rather than after it."""
    from sim.study.scale import FACTORS, scaled

    scaled(scenario, max(FACTORS))


def _scale_checked(result: "Run", quiet: bool) -> "Run":
    from sim.study.scale import with_scale_check

    if not quiet:
        note("Scale check: the same life at half, the same and twice the traffic, as another draw of demand.")
    return with_scale_check(result)


def prepare(out: "Path", quiet: bool, scenarios: "Sequence[Scenario]") -> None:
    """Before long work: a place for its results that can be written, SIGTERM as Ctrl-C, and compiled kernels."""
    from sim.study.warmup import SAYS, compile_part, missing

    _writable(out)
    stop_when_asked()
    for part in missing(scenarios):
        if not quiet:
            note(SAYS[part])
        compile_part(part)


def list_choices(typed: Namespace) -> int:
    """Print all groups with their options, or one group's options with what each is; an asterisk marks the default."""
    from sim.scenario import choices

    groups = choices.groups()
    if typed.group is None:
        width = max(map(len, groups))
        for group in groups:
            marked = (f"{o.name}{'*' if o.default else ''}" for o in choices.options(group))
            print(f"{group:<{width}}  {'  '.join(marked)}")
        return OK
    if typed.group not in groups:
        raise Usage(f"list: {typed.group}: no such group. {_nearest(typed.group, groups)}Groups: {', '.join(groups)}.")
    options = choices.options(typed.group)
    width = max(len(o.name) for o in options)
    for option in options:
        print(f"{'*' if option.default else ' '} {option.name:<{width}}  {option.says}")
    return OK


def _judged(summary: dict[str, Any]) -> int:
    """1 when any workload of any phase attains less than it promises, said on standard error."""
    code = OK
    for phase in summary["phases"]:
        for workload in phase["workloads"]:
            if workload["slo_held"] is False:
                of = f" by workload {workload['name']}" if len(phase["workloads"]) > 1 else ""
                code = tell(
                    f"{phase['name']}: SLO missed{of}: {workload['slo_attainment']:.3%} of requests that ended were "
                    f"answered within {workload['slo_latency_s']:g} s, {workload['slo_share']:.3%} promised.",
                    THRESHOLD,
                )
    return code


def _writable(out: Any) -> None:
    """Refuse a place for runs that cannot hold them, before a long run rather than after it."""
    import os

    if "\0" in str(out):
        raise Usage("--out: not the name of a folder. Type one such as outputs.")
    there = next((p for p in (out, *out.absolute().parents) if p.exists()), None)
    if there is not None and not there.is_dir():
        raise Usage(f"--out: {there} is a file. Type the name of another folder.")
    if there is not None and not os.access(there, os.W_OK):
        raise PermissionError(13, "Permission denied", str(there))
    if there is not None:
        from sim.record.store import try_writing

        try:
            try_writing(there)
        except OSError as e:
            why = e.strerror or str(e)
            raise Usage(f"--out: nothing can be written in {there} ({why}). Type the name of another folder.") from None


def _nearest(name: str, known: Any) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=1)
    return f"Did you mean {close[0]}? " if close else ""


_VERBS: dict[str, tuple[Callable[[ArgumentParser], None], Callable[[Namespace], int]]] = {
    "run": (_run_options, run),
    "compare": (study_verbs.compare_options, partial(study_verbs.compare, prepare=prepare)),
    "sweep": (study_verbs.sweep_options, partial(study_verbs.sweep, prepare=prepare)),
    "tune": (study_verbs.tune_options, partial(study_verbs.tune, prepare=prepare)),
    "check": (scenario_verbs.check_options, scenario_verbs.check),
    "manifest": (scenario_verbs.manifest_options, scenario_verbs.manifest),
    "list": (_list_options, list_choices),
}

if __name__ == "__main__":
    sys.exit(main())
