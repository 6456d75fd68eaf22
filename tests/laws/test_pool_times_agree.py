"""Laws of the time with pools and APIs: both engines count it alike, and it is what the log says."""

from unittest import mock

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock.ranks import Rank
from sim.record.histogram import RELATIVE_ERROR, bucket_value_s
from sim.serving.kernels.state import COMPLETED
from sim.world import simulate
from tests.laws import test_engines_agree as agree
from tests.laws.test_engines_agree import ExactPlane, ReferencePlane, play, tick, world
from tests.laws.test_run_laws import few, life, phases, scenario

SUMS = ("visits", "visit_ns", "service_ns")


def watched(engine, seen):
    """An engine that shows its planes."""

    def build(clock, rows, traffic, log):
        seen.append(engine(clock, rows, traffic, log=log))
        return seen[-1]

    return build


def visits(plane):
    """Sums and histograms of all rows."""
    histograms = [[x.tolist() for x in plane.take_row_histogram(row)] for row in range(len(plane.rows))]
    return [plane.rows[name].tolist() for name in SUMS], histograms


@settings(max_examples=60, deadline=None)
@given(world())
def test_both_engines_count_the_same_visits(world):
    planes = []
    for engine in (ReferencePlane, ExactPlane):
        log, *_ = play(watched(engine, planes), world)
    reference, exact = (visits(plane) for plane in planes)

    assert reference == exact
    (count, visit_ns, service_ns), histograms = exact
    for row, (_, counts) in enumerate(histograms):
        assert sum(counts) == count[row]
        assert 0 <= service_ns[row] <= visit_ns[row]
    assert sum(count) >= sum(entry[2] == COMPLETED for entry in log)


@settings(max_examples=60, deadline=None)
@given(
    world(), st.lists(st.tuples(st.integers(2, 8), st.integers(0, 7)), min_size=1, max_size=40),
    st.lists(st.integers(0, 40), max_size=3),
)  # fmt: skip
def test_looking_ahead_changes_no_visit(world, plan, taken):
    seen = []
    for plans in (plan, []):
        planes, built = [], agree.built

        def building(engine, world, clock, log, planes=planes, built=built):
            plane = built(engine, world, clock, log)
            planes.append(plane)
            for k in taken:  # between two ticks the histograms are taken out, as at the end of a window
                at = min(k * 300 + 1, world["horizon"] - 1)
                clock.call_at(at, Rank.CLOSE, lambda: planes.append(visits(plane)), len(planes))
            return plane

        with mock.patch.object(agree, "built", building):
            tick(world, plans)
        seen.append([planes[1:], visits(planes[0])])
    assert seen[0] == seen[1]


@few
@given(life(patient=True), st.sampled_from(["exact", "reference"]))
def test_time_in_pools_is_the_logs(changes, engine):
    run = simulate(scenario(changes | {"engine": engine}))

    served = run.requests[run.requests["outcome"] == "completed"]
    wait_ns = int((served["start_ns"] - served["arrival_ns"]).sum())
    service_ns = int((served["end_ns"] - served["start_ns"]).sum())
    # nobody times out, and so everybody who is served completes
    assert run.totals["timed_out"] == 0
    assert run.pools["visits"].sum() == len(served) == run.pool_histogram["count"].sum()
    assert abs(run.pools["wait_sum_s"].sum() - wait_ns / 1e9) <= 1e-9 * (1 + wait_ns / 1e9)
    assert abs(run.pools["service_sum_s"].sum() - service_ns / 1e9) <= 1e-9 * (1 + service_ns / 1e9)
    times = np.sort((served["end_ns"] - served["arrival_ns"]).to_numpy()) / 1e9
    by_bucket = run.pool_histogram.groupby("bucket")["count"].sum()
    values = np.repeat(bucket_value_s(by_bucket.index.to_numpy()), by_bucket.to_numpy())
    assert (np.abs(values - times) <= RELATIVE_ERROR * times * (1 + 1e-9)).all()


@few
@given(life())
def test_both_engines_write_the_same_pools(changes):
    exact, reference = (simulate(scenario(changes | {"engine": engine})) for engine in ("exact", "reference"))

    for name in ("pools", "pool_histogram"):
        pd.testing.assert_frame_equal(getattr(exact, name), getattr(reference, name), check_exact=True, obj=name)
    windows = exact.timeseries.groupby("start_s")[["completed", "timed_out"]].sum()
    visits = exact.pools.groupby("start_s")["visits"].sum().reindex(windows.index, fill_value=0)
    assert (visits >= windows["completed"]).all()
    assert (visits <= windows.sum(axis=1) + exact.totals["timed_out"]).all()


def test_a_pool_is_told_from_its_managed_twin_and_from_an_api():
    run = simulate(scenario(phases("api", (1.0, 1.0), second="managed")))

    of = run.pools.groupby(["phase", "pool", "how"])["visits"].sum()
    assert set(of.index) >= {("production", run.scenario.api.name, "api"), ("scale", "main", "managed")}
    api = run.pools[run.pools["how"] == "api"]
    assert (api["wait_sum_s"] == 0).all()  # an API serves at once
    assert (api["time_p50_s"] <= api["time_p99_s"]).all()
