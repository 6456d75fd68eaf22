"""Processes of their own, with wall time and peak memory."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Child(NamedTuple):
    """How a process went: wall time, s, and the most memory that it held, MB (1e6 bytes)."""

    wall_s: float
    peak_mb: float


def command() -> list[str]:
    """The command poc2scale: as installed beside this Python, else as a module of the clone."""
    script = Path(sys.executable).parent / "poc2scale"
    return [str(script)] if script.exists() else [sys.executable, "-m", "sim.cli"]


def play(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Child:
    """Run a process in the clone to its end, its output thrown away. Raises CalledProcessError when it fails."""
    begun = perf_counter()
    child = subprocess.Popen(
        arguments, cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stderr is not None
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)  # this child's own peak, where getrusage knows only the largest of all
    wall_s = perf_counter() - begun
    child.stderr.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, list(arguments), stderr=said)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes on Linux
    return Child(wall_s, usage.ru_maxrss * unit / 1e6)


def python(code: str, environment: Mapping[str, str] | None = None) -> Child:
    """Run a piece of Python in a process of its own."""
    return play([sys.executable, "-c", code], environment)
