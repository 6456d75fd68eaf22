"""What the documents say to type can be typed: every example that needs no file of the reader's is checked."""

import re
import shlex
from pathlib import Path

import pytest

import sim
from sim.cli import _HELP
from sim.study.candidates import candidates, grid, named, split
from sim.study.spaces import axes_of, parse_spaces

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(poc2scale (?:check|run|compare|sweep|tune) [^`]*=[^`]*)`")
CELL = re.compile(r"`([^`]*=[^`]*)`")
LINE = re.compile(r"^ *poc2scale (?:check|run|compare|sweep|tune)\b.*$", re.MULTILINE)
THEIRS = re.compile(r"FILE|NAME|…|outputs/|\.(yaml|csv|parquet)\b|=plugin\b")
"""Needs a file, or a package, that only a reader has."""


def examples() -> list[str]:
    """Every command line of the documents and of --help."""
    found = LINE.findall(_HELP)
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = document.read_text(encoding="utf-8")
        for block in FENCE.findall(text):
            found += LINE.findall(block.replace("\\\n", " "))
        found += [" ".join(typed.split()) for typed in INLINE.findall(text)]
    return sorted({line.strip() for line in found if not THEIRS.search(line)})


def rows() -> list[str]:
    """What the table of the plant says to type."""
    lines = (ROOT / "docs" / "plant.md").read_text(encoding="utf-8").splitlines()
    return [typed for line in lines if line.startswith("| ") for typed in CELL.findall(line.split(" | ")[1])]


def check(command: str) -> None:
    """Load every scenario that a command plays. Raises InputError."""
    _, verb, *words = shlex.split(command, comments=True)
    texts = [words[i + 1] for i, word in enumerate(words) if word == "--candidate"]
    typed = [word for word in words if "=" in word and word not in texts]
    if verb == "tune":
        common, spaces = parse_spaces(typed)
        for axis in axes_of(spaces):
            candidates(common, grid([axis]))
    elif verb in ("compare", "sweep"):
        common, axes = split(typed)
        candidates(common, [*(grid(axes) if axes else []), *named(texts)])
    else:
        sim.load("document_assistant", *typed)


@pytest.mark.parametrize("command", examples())
def test_an_example_can_be_typed(command):
    check(command)


@pytest.mark.parametrize("typed", rows())
def test_a_row_of_the_plant_can_be_typed(typed):
    check(f"poc2scale check {typed}")


def test_examples_are_found():
    assert len(examples()) > 12
    assert len(rows()) > 15
