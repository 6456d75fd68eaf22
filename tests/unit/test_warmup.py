"""What is compiled ahead: the parts that a scenario needs, until each has been compiled to its end."""

import os
import subprocess
import sys

import pytest

import sim
from sim import compiled
from sim.study import warmup

PLAIN = ["phases=production", "learning=none"]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("POC2SCALE_CACHE", str(tmp_path))
    return compiled.cache_folder()


def scenario(*typed):
    return sim.load("document_assistant", *PLAIN, *typed)


def compiler_that(ends_with, monkeypatch):
    asked = []

    def run(command, **_):
        asked.append(command[-1])
        return subprocess.CompletedProcess(command, ends_with)

    monkeypatch.setattr(warmup.subprocess, "run", run)
    return asked


def test_what_some_kernels_were_kept_of_is_not_compiled_yet(cache):
    (cache / "kernels").mkdir()
    (cache / "kernels" / "advance.advance-92.py311.nbi").touch()  # as an interrupted first run leaves it

    assert warmup.missing([scenario()]) == ["plain"]


def test_a_part_that_was_compiled_to_its_end_is_not_compiled_again(cache, monkeypatch):
    compiler_that(0, monkeypatch)
    warmup.compile_part("plain")

    assert warmup.missing([scenario()]) == []
    assert warmup.missing([scenario(), scenario("retry=exponential")]) == ["calls"]


@pytest.mark.parametrize("code", [1, -15])
def test_a_compiler_that_failed_or_was_ended_leaves_no_mark(cache, code, monkeypatch):
    compiler_that(code, monkeypatch)
    warmup.compile_part("plain")

    assert warmup.missing([scenario()]) == ["plain"]


def test_sources_that_were_written_anew_are_compiled_again(cache, monkeypatch, tmp_path):
    source = tmp_path / "kernel.py"
    source.write_text("one")
    monkeypatch.setattr(warmup, "sources", lambda: [source])
    compiler_that(0, monkeypatch)
    warmup.compile_part("plain")
    assert warmup.missing([scenario()]) == []

    os.utime(source, ns=(1, 1))

    assert warmup.missing([scenario()]) == ["plain"]


def test_phases_that_begin_to_have_calls_need_both_parts(cache, monkeypatch):
    plain, calls = scenario(), scenario("retry=exponential")
    assert warmup.missing([calls]) == ["calls"]

    for phases, parts in (([plain, calls], ["plain", "calls"]), ([calls, plain], ["calls"]), ([plain], ["plain"])):
        monkeypatch.setattr(warmup, "phase_scenarios", lambda _, phases=phases: dict(enumerate(phases)))
        assert warmup.missing([plain]) == parts


def test_the_reference_engine_needs_no_request_path(cache):
    assert warmup.missing([scenario("engine=reference")]) == []


def test_where_nothing_can_be_kept_the_compiler_fills_the_folder_of_this_process(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("POC2SCALE_CACHE", str(tmp_path / "file"))  # no folder can be made there
    places = []

    def run(command, env, **_):
        there = [sys.executable, "-c", "from sim.compiled import cache_folder; print(cache_folder())"]
        places.append(real(there, env=env, capture_output=True, text=True, check=True).stdout.strip())
        return subprocess.CompletedProcess(command, 0)

    real = subprocess.run
    monkeypatch.setattr(warmup.subprocess, "run", run)
    warmup.compile_part("plain")

    assert places == [str(compiled.cache_folder())]
    assert warmup.missing([scenario()]) == []
