"""Documents that name tests name such as there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py|…)::(\w+)`")


def named(document: str) -> list[tuple[str, str]]:
    """(file, test) of every test that a document names; … stands for the file named before."""
    found, file = [], ""
    for typed, test in NAMED.findall((ROOT / "docs" / document).read_text(encoding="utf-8")):
        file = file if typed == "…" else typed
        found.append((file, test))
    return found


@pytest.mark.parametrize(("file", "test"), named("request-path.md"))
def test_what_is_said_to_prove_an_option_is_there(file, test):
    assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8")


def test_every_option_names_its_proof():
    assert len(named("request-path.md")) > 30
