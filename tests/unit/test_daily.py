"""The table of days: civil days, cut days, and money at midnight."""

from datetime import date, datetime

import pandas as pd
import pytest
from test_summary import DAY_S, HOUR_S, Run, calendar_of, growing

from sim.analysis.daily import daily_table


def days_of(run: Run) -> pd.DataFrame:
    return daily_table(run.timeseries, run.ledger, run.calendar, run.phases_effective)


def test_days_are_civil_days_and_money_that_accrued_until_midnight_belongs_to_the_day_before() -> None:
    # the clock goes forward on 2026-03-29: that day has 23 hours
    days = days_of(growing(40))
    spring = days[days["day"] == pd.Timestamp(2026, 3, 29)].iloc[0]
    assert spring["end_s"] - spring["start_s"] == 23 * HOUR_S
    assert spring["offered"] == 1000 + 40 * 27
    assert spring["fixed_usd"] == 5.0
    assert days["day"].iloc[0].date() == date(2026, 3, 2)


def test_the_table_of_days_loses_neither_requests_nor_money() -> None:
    run = growing(45)
    days = days_of(run)
    assert days["offered"].sum() == run.timeseries["offered"].sum()
    assert days["variable_usd"].sum() == pytest.approx(run.lines.total_nano("variable") / 1e9)
    assert days["fixed_usd"].sum() == pytest.approx(run.lines.total_nano("fixed") / 1e9)


def test_a_day_that_two_phases_share_is_complete_in_neither() -> None:
    noon = 1.5 * DAY_S
    run = Run(calendar_of(3), [("poc", 0.0, noon), ("mvp", noon, 3 * DAY_S)])
    run.window(0.0, DAY_S, "poc", 10)
    run.window(DAY_S, noon, "poc", 20)
    run.window(noon, 2 * DAY_S, "mvp", 30)
    run.window(2 * DAY_S, 3 * DAY_S, "mvp", 40)
    run.lines.post(noon, "serving.api", "variable", 1, "request", 1.0, "poc")
    run.lines.post(2 * DAY_S, "serving.api", "variable", 1, "request", 2.0, "mvp")
    days = days_of(run)
    assert list(zip(days["phase"], days["complete"], days["offered"], days["variable_usd"])) == [
        ("poc", True, 10.0, 0.0), ("poc", False, 20.0, 1.0), ("mvp", False, 30.0, 2.0), ("mvp", True, 40.0, 0.0),
    ]  # fmt: skip


def test_a_first_and_a_last_day_that_are_cut_are_not_complete() -> None:
    run = Run(calendar_of(2, start=datetime(2026, 3, 2, 6)), [("poc", 0.0, 2 * DAY_S)])
    days = days_of(run)
    assert days["complete"].tolist() == [False, True, False]
    assert (days["end_s"] - days["start_s"]).tolist() == [18 * HOUR_S, DAY_S, 6 * HOUR_S]


def test_a_window_over_midnight_is_shared_by_time() -> None:
    run = Run(calendar_of(2, start=datetime(2026, 3, 2, 18)), [("poc", 0.0, 2 * DAY_S)])
    run.window(0.0, DAY_S, "poc", 100)
    assert days_of(run)["offered"].tolist() == [25.0, 75.0, 0.0]
