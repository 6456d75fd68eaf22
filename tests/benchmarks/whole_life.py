"""What learning, cache and gates add to the processor time of the default life: with them, and without, in turns."""

from time import process_time

from tests.benchmarks.textbook import mm8

LIMITS = {"added_share": ("<=", 0.25)}
TURNS = 3
WITHOUT = (
    "cache=none", "learning=none", "phases.mvp.gate=null", "phases.production.gate=null", "phases.scale.gate=null",
)  # fmt: skip


def measure() -> dict[str, float]:
    """with_s, without_s: the least of three runs each, in turns, s of processor time; added_share: what they add."""
    from sim import load, simulate

    simulate(mm8("exact", 3600))
    lives = {"with": load("document_assistant"), "without": load("document_assistant", *WITHOUT)}
    taken: dict[str, list[float]] = {name: [] for name in lives}
    for _ in range(TURNS):
        for name, scenario in lives.items():
            begun = process_time()
            simulate(scenario)
            taken[name].append(process_time() - begun)
    least = {name: min(seconds) for name, seconds in taken.items()}
    return {
        "with_s": least["with"], "without_s": least["without"], "added_share": least["with"] / least["without"] - 1,
    }  # fmt: skip
