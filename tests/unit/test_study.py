"""Replications and comparisons: the same whoever plays them, gone on with, stopped in time, told as they are."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim
from sim.report.comparison_words import verdict
from sim.report.tables_comparison import show
from sim.study.campaign import Design, play
from sim.study.candidates import Candidate, candidates
from sim.study.comparison import Comparison, compared, on_front
from sim.study.figures import MEASURES, Figures, figures_of
from sim.study.processes import Workers
from sim.study.stopping import FEWEST, Until, parse_until

SMALL = ["phases=production", "learning=none", "incidents=none", "horizon=2 h"]


def made_up(cost: float, attained: float = 1.0, promised: float = 0.99, **more: float) -> Figures:
    figures: Figures = dict.fromkeys(MEASURES, 0.0)
    figures |= {"total_usd": cost + 7, "serving_usd": cost, "slo_attainment": attained, **more}
    return figures | {"promises": {"production/main": [attained, promised]}}


def told(*played: list[Figures]) -> Comparison:
    return compared([Candidate(name, (), pair()[0]) for name in "abcdef"[: len(played)]], played)


class Shuffled:
    """Workers that finish what they have in hand in an order of their own; they play nothing but a made-up figure."""

    def __init__(self, order: list[int], in_hand: int) -> None:
        self.order, self.in_hand, self.calls = order, in_hand, 0

    def map(self, _: Callable[..., Any], tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        waiting, hand, turn = iter(tasks), list[Any](), 0
        while True:
            while len(hand) < self.in_hand and (task := next(waiting, None)):
                hand.append(task)
            if not hand:
                return
            task = hand.pop(self.order[turn % len(self.order)] % len(hand))
            turn += 1
            self.calls += 1
            noise = [0.0, 3.0, -2.0, 1.0, -1.0, 0.5, -0.5, 0.2][task[1] % 8]
            yield task, made_up(100 + noise + (5 + noise / 10 if task[0].seed == 2 else 0))


@cache
def pair() -> list[sim.Scenario]:
    return [sim.load("document_assistant", *SMALL, seed=seed) for seed in (1, 2)]


def test_the_first_replication_is_todays_run_and_more_of_them_change_none() -> None:
    scenario = sim.load("document_assistant", *SMALL)

    three = sim.replicate(scenario, 3, workers=1)

    assert three.figures[0] == figures_of(sim.simulate(scenario))
    assert sim.replicate(scenario, 2, workers=1).figures == three.figures[:2]
    assert len({figures["requests"] for figures in three.figures}) > 1
    assert three.intervals()["requests"].mean == pytest.approx(three.frame()["requests"].mean())


def test_two_processes_play_what_one_does() -> None:
    scenario = sim.load("document_assistant", *SMALL)

    assert sim.replicate(scenario, 4, workers=2).figures == sim.replicate(scenario, 4, workers=1).figures


def test_candidates_meet_the_same_requests_and_the_difference_of_a_replica_is_its_hours() -> None:
    cells = [(f"{n}", ("autoscaler=fixed", f"autoscaler.replicas={n}")) for n in (2, 3)]
    chosen = candidates(SMALL, cells)

    with Workers(1) as here:
        comparison = compared(chosen, play([c.scenario for c in chosen], Design(3), here))

    two, three = comparison.rows
    assert comparison.reference == "2"
    assert (three.differences["requests"].lo, three.differences["requests"].hi) == (0, 0)
    assert three.differences["replica_hours"].mean == pytest.approx(2)
    hour_usd = chosen[0].scenario.pools["main"].machine.price_usd_per_h
    assert three.differences["serving_usd"].mean == pytest.approx(2 * hour_usd, rel=1e-6)
    assert two.differences["serving_usd"].mean is None


def test_kept_replications_are_gone_on_with_and_half_files_are_not(tmp_path: Path) -> None:
    scenario = sim.load("document_assistant", *SMALL)
    first = sim.replicate(scenario, 2, workers=1, keep=tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    changed = json.loads(files[0].read_text()) | {"requests": -1}
    files[0].write_text(json.dumps(changed))
    files[1].write_text('{"requests": 3')

    again = sim.replicate(scenario, 3, workers=1, keep=tmp_path, resume=True)
    anew = sim.replicate(scenario, 2, workers=1, keep=tmp_path)

    assert again.figures[0]["requests"] == -1
    assert again.figures[1] == first.figures[1]
    assert len(again.figures) == 3
    assert anew.figures == first.figures
    other = sim.load("document_assistant", *SMALL, seed=5)
    assert sim.replicate(other, 2, workers=1, keep=tmp_path, resume=True).figures[0]["requests"] != -1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.integers(1, 7))
def test_stopping_asks_for_as_many_whoever_finishes_first(order: list[int], in_hand: int) -> None:
    scenarios, until = pair(), Until("total_usd", 0.0025)
    plain: Any = Shuffled([0], 1)
    shuffled: Any = Shuffled(order, in_hand)

    expected = play(scenarios, Design(40, until=until), plain)
    found = play(scenarios, Design(40, until=until), shuffled)

    assert found == expected
    assert FEWEST <= len(found[0]) < 40
    assert until.met(found)
    assert not any(until.met([own[:n] for own in found]) for n in range(1, len(found[0])))
    assert plain.calls == 2 * len(found[0])


def test_it_stops_at_the_most_where_no_number_is_enough() -> None:
    workers: Any = Shuffled([0], 1)

    played = play(pair(), Design(9, until=Until("total_usd", 1e-9)), workers)

    assert [len(own) for own in played] == [9, 9]


def test_one_scenario_stops_at_the_interval_of_its_mean() -> None:
    assert parse_until("cost: 1 %") == Until("total_usd", 0.01)
    exact = [made_up(10.0)] * FEWEST

    assert Until("total_usd", 0.01).met([exact])
    assert not Until("total_usd", 0.01).met([exact[:-1]])
    assert not Until("total_usd", 0.01).met([[made_up(10.0 + i) for i in range(FEWEST)]])


def test_twins_are_played_once() -> None:
    workers: Any = Shuffled([0], 1)

    played = play([pair()[0], pair()[0]], Design(4), workers)

    assert workers.calls == 4
    assert played[0] == played[1]


def test_the_cheapest_that_holds_wins_and_a_cheaper_one_that_does_not_is_told() -> None:
    played = [
        [made_up(c + r, a) for r in (0.0, 1.0, 2.0)] for c, a in ((10, 0.9), (30, 0.995), (20, 0.992), (25, 0.991))
    ]

    comparison = told(*played)

    assert comparison.cost == "serving_usd"
    assert comparison.best is not None
    assert comparison.runner_up is not None
    assert (comparison.best.name, comparison.runner_up.name, comparison.reference) == ("c", "d", "c")
    assert [row.held for row in comparison.rows] == [False, True, True, True]
    assert [row.front for row in comparison.rows] == [True, True, True, False]
    assert comparison.runner_up.differences["serving_usd"].mean == 5
    assert comparison.runner_up.differences["serving_usd"].excludes_zero


def test_where_none_holds_the_first_is_the_reference_and_the_nearest_is_the_best_reached() -> None:
    comparison = told([made_up(10, 0.9)] * 3, [made_up(30, 0.98)] * 3, [made_up(20, 0.95)] * 3)

    assert comparison.best is None
    assert (comparison.reference, comparison.nearest.name) == ("a", "b")


def test_the_slo_is_held_by_every_workload_of_every_phase() -> None:
    good = made_up(10, 0.999)
    good["promises"]["production/other"] = [0.97, 0.98]

    comparison = told([good] * 2, [made_up(20, 0.99)] * 2)

    assert [row.held for row in comparison.rows] == [False, True]
    assert comparison.rows[0].margin.mean == pytest.approx(-0.01)


def test_ranked_by_total_cost_where_more_than_serving_differs() -> None:
    assert told([made_up(10)] * 2, [made_up(9, total_usd=30.0)] * 2).cost == "total_usd"


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8))
def test_who_is_not_on_the_front_is_beaten_by_one_who_is(points: list[tuple[int, int]]) -> None:
    pairs = [(float(c), float(g)) for c, g in points]
    front = [p for i, p in enumerate(pairs) if on_front(pairs, i)]

    assert front
    for i, (cost, good) in enumerate(pairs):
        beaten = any(c <= cost and g >= good and (c, g) != (cost, good) for c, g in front)
        assert beaten != on_front(pairs, i)


def test_an_error_in_a_worker_comes_home_and_the_workers_go_on() -> None:
    with Workers(2) as workers:
        with pytest.raises(ZeroDivisionError):
            list(workers.map(divmod, [(1, 1), (1, 0), (5, 2)]))
        assert sorted(result for _, result in workers.map(divmod, [(7, 2), (9, 2)])) == [(3, 1), (4, 1)]


def test_a_worker_that_dies_is_an_error_and_no_endless_wait() -> None:
    import os

    with Workers(2) as workers, pytest.raises(sim.RunError, match="has died"):
        list(workers.map(os._exit, [(1,), (1,)]))


@pytest.mark.parametrize(
    ("given", "where"), [({"n": 1}, "n: 1: "), ({"workers": 0}, "workers: 0: "), ({"until": "cost"}, "until: cost: ")]
)
def test_a_number_that_is_none_is_named_as_the_argument_that_it_is(given: dict[str, Any], where: str) -> None:
    with pytest.raises(sim.InputError) as refused:
        sim.replicate(sim.load("document_assistant", *SMALL), **given)

    assert str(refused.value).startswith(where)
    assert "--" not in str(refused.value)


def test_a_log_of_requests_is_not_kept_by_replications() -> None:
    plain, logged = (sim.load("document_assistant", *SMALL, f"record.requests={what}") for what in ("none", "all"))

    with Workers(1) as workers:
        assert play([logged], Design(2), workers) == play([plain], Design(2), workers)


def test_what_a_run_of_a_candidate_remarks_upon_is_said_of_that_candidate() -> None:
    zero = sim.load("realtime_vision", *SMALL, "autoscaler=knative")
    plain = sim.load("realtime_vision", *SMALL)
    rows = [Candidate("knative", (), zero), Candidate("hpa", (), plain)]

    notes = [said for said in verdict(compared(rows, [[made_up(10)] * 2] * 2)) if said.startswith("Note")]

    assert [said.removeprefix("Note on knative: ") for said in notes] == sim.scenario.remarks(zero)
    assert any("refuses requests while none is ready" in said for said in notes)
    assert sim.scenario.remarks(plain) == []


def test_a_comparison_in_which_no_controller_acts_says_so() -> None:
    rows = [Candidate(name, (), sim.load("realtime_vision", *SMALL)) for name in "ab"]

    def said(actions: float) -> list[str]:
        return verdict(
            compared(rows, [[made_up(10, scaling_actions=0.0)] * 2, [made_up(9, scaling_actions=actions)] * 2])
        )

    assert any("No controller ever changed a count" in sentence for sentence in said(0.0))
    assert not any("No controller ever changed a count" in sentence for sentence in said(1.0))


def test_the_heading_of_names_stays_whole_over_short_names() -> None:
    stream = io.StringIO()
    show(told([made_up(10)] * 2, [made_up(9)] * 2), stream, "page")

    assert " candidate " in stream.getvalue()
