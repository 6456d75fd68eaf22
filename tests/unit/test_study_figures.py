"""What a study keeps of a replication: known answers from made-up windows and from a small run."""

import pandas as pd
import pytest

from sim import load, simulate
from sim.fleet.fleet import Scaling
from sim.policy import Decision, Observation
from sim.study.figures import MEASURES, absorb_s, figures_of

SMALL = ("phases=production", "learning=none", "incidents=none", "cache=none", "horizon=3 h")


def windows(*attained: tuple[int, int, int]) -> pd.DataFrame:
    """Windows of 60 s: good, ended, in the system at the end."""
    rows = [
        (60.0 * i, 60.0 * (i + 1), good, 0, ended, 0, 0, 0, waiting)
        for i, (good, ended, waiting) in enumerate(attained)
    ]
    names = ["start_s", "end_s", "good", "hit", "completed", "rejected", "timed_out", "failed", "in_system"]
    return pd.DataFrame(rows, columns=names)


@pytest.mark.parametrize(
    ("attained", "longest_s"),
    [
        ([(100, 100, 0)] * 5, 0),
        ([(99, 100, 0)] * 5, 0),  # just what is promised
        ([(100, 100, 0), (98, 100, 0), (0, 100, 3), (99, 100, 0), (98, 100, 0)], 120),
        ([(98, 100, 0)] * 3, 180),
        ([(98, 100, 9), (0, 0, 9), (50, 100, 0), (100, 100, 0)], 180),  # nobody was answered, and some waited
        ([(98, 100, 0), (0, 0, 0), (98, 100, 0)], 60),  # nobody was there
        ([], 0),
    ],
)
def test_the_longest_time_below_the_promise(attained: list[tuple[int, int, int]], longest_s: float) -> None:
    assert absorb_s(windows(*attained), 0.99) == longest_s


def test_a_fixed_fleet_bills_its_replicas_and_never_acts() -> None:
    figures = figures_of(simulate(load("document_assistant", *SMALL, "autoscaler=fixed", "autoscaler.replicas=3")))

    assert figures["replica_hours"] == pytest.approx(9)
    assert figures["scaling_actions"] == figures["reversals"] == 0
    assert set(figures) == {*MEASURES, "promises"}


def test_figures_agree_with_the_summary_of_the_same_run() -> None:
    run = simulate(load("document_assistant", *SMALL, "autoscaler=hpa"))
    figures, summary = figures_of(run), run.summary()
    (phase,) = summary["phases"]

    assert figures["total_usd"] == pytest.approx(summary["totals"]["total_usd"], abs=1e-9)
    assert figures["serving_usd"] == pytest.approx(summary["totals"]["variable_usd"], abs=1e-9)
    assert figures["requests"] == phase["requests"]
    for key in ("slo_attainment", "latency_p50_s", "latency_p99_s"):
        assert figures[key] == phase[key]
    assert figures["promises"] == {"production/main": [phase["slo_attainment"], 0.99]}


def test_who_gets_no_answer_is_counted_of_all_that_came() -> None:
    few = ("autoscaler=fixed", "autoscaler.replicas=1", "pool.queue.capacity=1", "pool.batching={kind: none}")
    run = simulate(load("document_assistant", *SMALL, *few))
    windows, figures = run.timeseries, figures_of(run)
    answered = int(windows["hit"].sum() + windows["completed"].sum())
    waiting = int(windows["in_system"].iloc[-1])

    assert figures["requests"] - answered - waiting > 0
    assert figures["unanswered"] == pytest.approx((figures["requests"] - answered - waiting) / figures["requests"])


class Alternating:
    """One replica and two in turn, every half an hour, for a reason that reads like the loop's own."""

    min_replicas, max_replicas, initial_replicas, sync_period_s = 1, 2, 1, 1800.0

    def begin(self, now_ns: int) -> int:
        return 1

    def decide(self, observation: Observation, state: int, now_ns: int) -> tuple[Decision, int]:
        return Decision(3 - state, "NewLimitsOfMine"), 3 - state


def test_what_a_controller_decides_counts_whatever_it_calls_it() -> None:
    run = simulate(load("document_assistant", *SMALL, "autoscaler=fixed"), policies={"main": Alternating()})

    decided = run.events[run.events["detail"] == "NewLimitsOfMine"]
    assert len(decided) >= 5
    assert figures_of(run)["scaling_actions"] == len(decided)


def test_a_decision_undone_within_ten_minutes_is_a_reversal() -> None:
    run = simulate(load("document_assistant", *SMALL, "autoscaler=hpa"))
    at = [(60.0, 2), (600.0, -1), (1300.0, 2), (1360.0, 1), (1420.0, -5)]
    own = [Scaling("main", at_s, by) for at_s, by in at]
    object.__setattr__(run, "scalings", [own[0], Scaling("other", 60.0, 2), *own[1:]])

    figures = figures_of(run)

    # five by the controller of main, one by another; 600 s follows 60 s and 1420 s follows 1360 s, 1300 s is too late
    assert (figures["scaling_actions"], figures["reversals"]) == (6, 2)
