"""Wall time of `poc2scale --help` and `poc2scale check` as processes, medians, beside Python's own start."""

import sys
from statistics import median

from tests.benchmarks.children import command, play

LIMITS = {"help_s": ("<=", 0.15), "check_s": ("<=", 1.5)}
ROUNDS = 9


def measure() -> dict[str, float]:
    """Medians, s; in turns, so that a busy moment of the machine meets all three."""
    commands = {
        "help_s": [*command(), "--help"], "check_s": [*command(), "check"], "bare_python_s": [sys.executable, "-c", ""],
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, arguments in commands.items():
            times[name].append(play(arguments).wall_s)
    return {name: median(of) for name, of in times.items()}
