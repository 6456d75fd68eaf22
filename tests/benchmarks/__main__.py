"""Lists the benchmarks, or runs those named."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib import import_module
from typing import Any

NAMES = (
    "engines", "default_run", "whole_life", "startup", "memory", "cold_compile", "control_plane", "request_path",
    "peers", "bounds", "growth", "replicas",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Without a name: one line each. With names: measure; figures that miss their limit are marked, and exit with 1."""
    parser = ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; none: list them")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    typed = parser.parse_args(argv)
    if unknown := [name for name in typed.names if name not in NAMES]:
        parser.error(f"no such benchmark: {', '.join(unknown)}. There are: {', '.join(NAMES)}.")
    if not typed.names:
        _list(typed.json)
        return 0
    results = {name: _measured(name) for name in dict.fromkeys(typed.names)}
    missed = {name: _missed(name, figures) for name, figures in results.items()}
    if typed.json:
        # one benchmark: its figures themselves; several: by name
        print(json.dumps(results if len(results) > 1 else next(iter(results.values())), indent=1))
    else:
        for name, figures in results.items():
            _print(name, figures, missed[name])
    return 1 if any(missed.values()) else 0


def _benchmark(name: str) -> Any:
    return import_module(f"tests.benchmarks.{name}")


def _measured(name: str) -> dict[str, float]:
    figures: dict[str, float] = _benchmark(name).measure()
    return {key: float(f"{value:.6g}") for key, value in figures.items()}


def _missed(name: str, figures: dict[str, float]) -> list[str]:
    """Figures beyond their limits. LIMITS: by figure, ("<=" or ">=", bound)."""
    limits: dict[str, tuple[str, float]] = _benchmark(name).LIMITS
    return [key for key, (sign, bound) in limits.items() if (figures[key] > bound) == (sign == "<=")]


def _list(as_json: bool) -> None:
    says = {name: (_benchmark(name).__doc__ or "").splitlines()[0] for name in NAMES}
    print(json.dumps(says, indent=1) if as_json else "\n".join(f"{name:<14} {text}" for name, text in says.items()))


def _print(name: str, figures: dict[str, float], missed: list[str]) -> None:
    print(f"{name}: {(_benchmark(name).__doc__ or '').splitlines()[0]}")
    for key, value in figures.items():
        sign, bound = _benchmark(name).LIMITS.get(key, ("", None))
        verdict = "" if bound is None else f"  (limit {sign} {bound:g}: {'MISSED' if key in missed else 'met'})"
        print(f"  {key:<34}{value:>14,.6g}{verdict}")


if __name__ == "__main__":
    sys.exit(main())
