"""The autoscalers against the table tests of the controllers they follow.

Discovers every list of every file in $SIM_REFERENCE/autoscaler_cases and runs each case through the adapter of its
list, in the module of its controller beside this one; a further case needs no code. A list without an adapter is
skipped with the reason.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import hpa_behaviour_cases, hpa_cases, knative_cases, ray_serve_cases
from tests.conformance.cases import Case

ADAPTERS = hpa_cases.ADAPTERS | hpa_behaviour_cases.ADAPTERS | knative_cases.ADAPTERS | ray_serve_cases.ADAPTERS


def test_case_of_a_reference_controller(stem: str, group: str, case: Any, document: Case) -> None:
    """Given a case's inputs, when our controller gets them, then it answers as the real one did."""
    adapter = ADAPTERS.get((stem, group))
    if adapter is None:
        pytest.skip(f"no adapter for {stem}/{group}")
    adapter(case, document)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    names = ("stem", "group", "case", "document")
    metafunc.parametrize(names, list(_discovered()))


def _discovered() -> Iterator[Any]:
    reference = os.environ.get("SIM_REFERENCE")
    folder = Path(reference or ".") / "autoscaler_cases"
    if not reference or not folder.is_dir():
        why = "SIM_REFERENCE is not set" if not reference else f"{folder} is not a folder"
        yield pytest.param("", "", None, {}, id="autoscaler_cases", marks=pytest.mark.skip(reason=why))
        return
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        for group, cases in document.items():
            for i, case in enumerate(cases if isinstance(cases, list) else ()):
                name = case.get("name", i) if isinstance(case, dict) else i
                yield pytest.param(path.stem, group, case, document, id=f"{path.stem}/{group}/{name}")
