"""Runs experiments and says whether each came out as expected."""

import json
import re
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from experiments.data import Skipped
from experiments.judgement import Got, Row, judge

HERE = Path(__file__).parent
_TABLE = re.compile(r"(<!-- measured -->\n).*?(<!-- /measured -->)", re.S)


def names() -> list[str]:
    """Folder names of all experiments, sorted."""
    return sorted(path.parent.name for path in HERE.glob("*/run.py"))


def shown(folder: str) -> str:
    """The name that people use: x_mmc is X-MMC."""
    return folder.upper().replace("_", "-")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiments named (all, when none is) and print their results; 1 when one fails, 2 for a wrong name.

    One that needs data that are not here is skipped, and says so.
    """
    parser = ArgumentParser(prog="python -m experiments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as X-MMC or x_mmc; none: all")
    parser.add_argument("--small", action="store_true", help="fewer requests, the same rules: seconds, not minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", action="store_true", help="also put the table and the figure into the README")
    typed = parser.parse_args(argv)
    known = {shown(folder): folder for folder in names()}
    wanted = [name.upper().replace("_", "-") for name in typed.names] or list(known)
    if unknown := [name for name in wanted if name not in known]:
        parser.error(f"no such experiment: {', '.join(unknown)}. There are: {', '.join(known)}.")
    results: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(wanted):
        try:
            rows = run(known[name], small=typed.small, write=typed.write)
        except Skipped as reason:
            results[name] = {"skipped": str(reason), "passed": True}
            text = f"{name}: skipped. {reason}.\n"
        else:
            results[name] = as_json(rows)
            text = f"{name}: {'passed' if passed(rows) else 'FAILED'}\n{plain_table(rows)}\n"
        if not typed.json:
            print(text, flush=True)
    if typed.json:
        print(json.dumps(results, indent=1, allow_nan=False))
    return 0 if all(result["passed"] for result in results.values()) else 1


def run(folder: str, *, small: bool, write: bool = False) -> list[Row]:
    """Run one experiment. write: put its table into its README, and its figure with the data beside it."""
    experiment: Any = import_module(f"experiments.{folder}.run")
    got: dict[str, Got] = experiment.run(small)
    rows = judge(HERE / folder, got)
    if write:
        _write(folder, rows, experiment.figure(got))
    return rows


def passed(rows: list[Row]) -> bool:
    """Whether every value is as expected."""
    return all(row.passed for row in rows)


def as_json(rows: list[Row]) -> dict[str, Any]:
    """expected, got, tolerance by value, and passed."""
    return {
        "expected": {row.key: row.expected for row in rows},
        "got": {row.key: row.got for row in rows},
        "tolerance": {row.key: row.tolerance for row in rows},
        "passed": passed(rows),
    }


def plain_table(rows: list[Row]) -> str:
    """The values as aligned text."""
    cells = [("value", "expected", "got", "may differ by", ""), *map(_cells, rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(5)]
    lines = (
        "  ".join((row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in (1, 2, 3)), row[4])) for row in cells
    )
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    allowed = f"{row.allowed:.2g}" + {"at_most": " up", "at_least": " down"}.get(row.tolerance["kind"], "")
    return row.key, f"{row.expected:.6g}", f"{row.got:.6g}", allowed, "ok" if row.passed else "FAILED"


def _write(folder: str, rows: list[Row], figure: Any) -> None:
    lines = ["| value | expected | got | may differ by | |", "|---|--:|--:|--:|---|"]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    readme = HERE / folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    table = "\n".join(lines)
    readme.write_text(_TABLE.sub(lambda m: f"{m[1]}{table}\n{m[2]}", text), encoding="utf-8", newline="\n")
    (HERE / folder / "figure.svg").write_text(figure.alone, encoding="utf-8", newline="\n")
    (HERE / folder / "figure.csv").write_text(figure.csv, encoding="utf-8", newline="\n")
