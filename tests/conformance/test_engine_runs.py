"""Recorded runs of LLM serving engines: every run folder in vidur/ and vllm/ of $SIM_REFERENCE."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MARKS = {"vidur": "run.json", "vllm": "requests.jsonl"}
"""A folder is a run when it holds this file."""


def test_recorded_engine_run(run: str) -> None:
    pytest.skip(f"{run}: LLM iteration engine is not part of the product yet")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("run", list(_discovered()))


def _discovered() -> Iterator[Any]:
    reference = os.environ.get("SIM_REFERENCE")
    if not reference:
        skip = pytest.mark.skip(reason="SIM_REFERENCE is not set")
        yield pytest.param("", id="engine_runs", marks=skip)
        return
    for engine, mark in MARKS.items():
        for path in sorted((Path(reference) / engine).glob(f"*/{mark}")):
            yield pytest.param(f"{engine}/{path.parent.name}", id=f"{engine}/{path.parent.name}")
