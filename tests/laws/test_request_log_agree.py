"""Laws of the request log: both engines keep the same requests of a sample, and looking ahead changes no entry."""

from unittest import mock

import numpy as np
import pandas as pd
import test_engines_agree as agree
from hypothesis import given, settings
from hypothesis import strategies as st
from test_engines_agree import ExactPlane, ReferencePlane, play, tick, world
from test_run_laws import few, life, scenario

from sim.serving import exact
from sim.world import simulate


def logging(engine, share):
    """An engine whose log keeps a share of requests, whatever it is asked for."""
    return lambda clock, rows, traffic, log: engine(clock, rows, traffic, log=share)


@settings(max_examples=60, deadline=None)
@given(world(), st.sampled_from([0.0, 0.01, 0.3, 0.9]))
def test_both_engines_keep_the_same_sample_and_all_else_is_as_it_was(world, share):
    reference, compiled = (play(logging(engine, share), world) for engine in (ReferencePlane, ExactPlane))
    whole, *usual = play(ExactPlane, world)

    log, *rest = compiled
    assert log == reference[0]
    assert rest == usual
    assert set(log) <= set(whole)
    assert share > 0 or not log


def test_a_smaller_sample_is_part_of_a_larger_one_and_as_large_as_it_says():
    world = {
        "rows": [agree.API_ROW], "arrivals": [np.arange(4000, dtype=np.int64) * 100] * 2, "timeouts": [10**9] * 2,
        "exposure": 1.0, "limits": [[{}, {}]], "keys": [None] * 2, "tenants": [None] * 2, "tokens": False,
        "emptied": [], "split": 4000, "ready_at_start": [], "touches": [], "switch": None, "horizon": 10**7,
    }  # fmt: skip
    with mock.patch.object(agree, "SLOTS", 0), mock.patch.object(ExactPlane, "scrape", return_value=None):
        tenth, half = (set(play(logging(ExactPlane, share), world)[0]) for share in (0.1, 0.5))

    assert tenth <= half
    # 8,000 draws: five standard deviations
    for share, kept in ((0.1, tenth), (0.5, half)):
        assert abs(len(kept) - 8000 * share) < 5 * (8000 * share * (1 - share)) ** 0.5
    # workloads draw by themselves: entries are (request, workload, ...)
    first, second = ({entry[0] for entry in half if entry[1] == w} for w in (0, 1))
    assert abs(len(first & second) - 1000) < 5 * (4000 * 0.25 * 0.75) ** 0.5


def logged_tick(world, plan, rows):
    """What `tick` sees, and the log; rows: entries that the log holds at first."""
    planes, built = [], agree.built

    def building(engine, world, clock, log):
        planes.append(built(engine, world, clock, log=0.7))
        return planes[-1]

    with mock.patch.object(agree, "built", building), mock.patch.object(exact, "_LOG_ROWS", rows):
        seen = tick(world, plan)
    planes[0].finish(world["horizon"])
    log = planes[0].take_log()
    return log[np.lexsort((log["request"], log["workload"]))].tolist(), seen


@settings(max_examples=80, deadline=None)
@given(
    world(), st.lists(st.tuples(st.integers(2, 8), st.integers(0, 7)), min_size=1, max_size=40),
    st.sampled_from([1, 20, 1000]),
)  # fmt: skip
def test_looking_ahead_changes_nothing_in_the_log(world, plan, rows):
    assert logged_tick(world, plan, rows) == logged_tick(world, [], 1000)


@few
@given(life(), st.sampled_from([0.2, 1.0]))
def test_a_log_that_grows_on_disk_is_the_same_in_both_engines_and_as_one_in_memory(changes, share):
    changes = changes | {"record": {"interval": 60.0, "requests": share}}
    in_memory = simulate(scenario(changes))
    with mock.patch("sim.record.request_log.ROWS", 50):
        logs = [simulate(scenario(changes | {"engine": engine})).request_log for engine in ("exact", "reference")]

    expected = in_memory.requests
    for log in logs:
        pd.testing.assert_frame_equal(log.frame(), expected, check_exact=True)
    assert expected[["workload", "request"]].apply(tuple, axis=1).is_monotonic_increasing
