"""How long series become short enough to draw."""

import numpy as np
import pandas as pd
import pytest
from test_report_frames import DAY_S, an_hour, eighty_eight_days, five_seconds, two_years

from sim.report import series


@pytest.mark.parametrize(
    ("make", "most"), [(two_years, 800), (eighty_eight_days, 88), (an_hour, 60), (five_seconds, 5)]
)
def test_bins_cover_the_whole_run_and_are_at_most_800(make, most: int) -> None:
    run = make()
    edges = series.bin_edges(run.calendar, run.timeseries)
    assert (edges[0], edges[-1]) == (0.0, run.scenario.horizon_s)
    assert (np.diff(edges) > 0).all()
    assert len(edges) - 1 <= most


def test_binning_keeps_every_request() -> None:
    run = eighty_eight_days()
    table = series.demand(run.timeseries, series.bin_edges(run.calendar, run.timeseries))
    drawn = (table["offered_per_s"] * (table["end_s"] - table["start_s"])).sum()
    assert drawn == pytest.approx(run.totals["offered"], rel=1e-9)
    assert (table["offered_lo_per_s"] <= table["offered_per_s"]).all()
    assert (table["offered_per_s"] <= table["offered_hi_per_s"]).all()


def test_the_percentiles_of_one_bin_are_those_of_the_summary() -> None:
    run = an_hour()
    table = series.percentiles(run.latency_histogram, np.array([0.0, 3600.0]))
    phase = run.summary()["phases"][0]
    assert [table[f"p{p}_s"].item() for p in (50, 95, 99)] == [phase[f"latency_p{p}_s"] for p in (50, 95, 99)]


def test_a_pool_that_two_workloads_share_is_counted_once() -> None:
    one = an_hour().timeseries
    two = pd.concat([one, one.assign(workload="other")], ignore_index=True)
    alone, shared = series.by_window(one), series.by_window(two)
    assert (shared["capacity_per_s"] == alone["capacity_per_s"]).all()
    assert (shared["offered"] == 2 * alone["offered"]).all()
    both = series.by_window(pd.concat([one, one.assign(workload="other", pool="second")], ignore_index=True))
    assert (both["capacity_per_s"] == 2 * alone["capacity_per_s"]).all()


def test_the_grain_is_that_of_most_bins_not_of_a_first_one_that_is_cut() -> None:
    assert series.grain_s(np.array([0.0, 1800.0, 88_200.0, 174_600.0, 257_400.0])) == DAY_S
    assert series.grain_s(np.array([0.0, 5.0])) == 5.0
