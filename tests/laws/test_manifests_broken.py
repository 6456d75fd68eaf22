"""A manifest with anything in any of its fields is read or refused in our words, and never ends in another way."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.config import InputError
from sim.policy.manifests import read
from tests.unit.manifest_examples import ALL

JUNK = [
    None, True, 0, -1, 3.5, 10**30, float("inf"), float("nan"), "", "x", "-3", "50%", "1e999", "9" * 50, "0x10",
    [], [1], [None], [{}], [[{}]], {}, {"a": 1}, {"type": "x"},
]  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path inside a document."""
    if path:
        yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


@pytest.mark.parametrize("example", ALL)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_broken_manifest_is_read_or_refused(example: str, data: st.DataObject) -> None:
    text, metrics = ALL[example]
    document = yaml.safe_load(text)
    path = data.draw(st.sampled_from(list(places(document))))
    broken = deepcopy(document)
    node = broken
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = data.draw(st.sampled_from(JUNK))
    said: list[str] = []
    whole = kind = read(text, metrics=metrics).policy["kind"]
    try:
        kind = read(yaml.safe_dump(broken), "m.yaml", metrics=metrics).policy["kind"]
    except InputError as e:
        said = [problem.message for problem in e.problems] or [""]
    assert all(sentence.endswith(".") for sentence in said)
    assert kind == whole
