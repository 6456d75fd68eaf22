"""The crossover: the month from which on variable cost leads, its interval, and why there is none."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.analysis.crossover import crossover
from sim.streams import Streams


def _days(variable: list[float], fixed: float = 3100.0, noise: float = 0.0, start: str = "2026-11-01") -> pd.DataFrame:
    """Days of civil months, each month with a given sum of variable and a fixed cost in USD; one phase."""
    months = pd.period_range(start, periods=len(variable), freq="M")
    rng = np.random.default_rng(8)
    rows = [
        (day, usd / month.days_in_month * float(np.exp(rng.normal(0, noise))), fixed / month.days_in_month)
        for month, usd in zip(months, variable)
        for day in pd.date_range(month.start_time, periods=month.days_in_month)
    ]
    table = pd.DataFrame(rows, columns=["day", "variable_usd", "fixed_usd"])
    return table.assign(phase="scale", complete=True, offered=1.0)


def _found(days: pd.DataFrame, seed: int = 1) -> dict[str, Any]:
    return crossover(days, Streams(seed).generator("crossover"))


def test_the_month_counts_from_one_and_has_a_name() -> None:
    found = _found(_days([1000, 1500, 2000, 4000, 5000]))
    assert (found["month"], found["label"]) == (4, "February 2027")
    assert (found["lo"], found["hi"]) == (4, 4)
    assert (found["lo_label"], found["hi_label"]) == ("February 2027", "February 2027")


def test_a_lead_that_is_lost_again_is_none() -> None:
    assert _found(_days([4000, 2000, 4000, 4000]))["month"] == 3
    lost = _found(_days([1000, 4000, 4000, 2000]))
    assert lost["month"] is None
    assert lost["reason"] == (
        "variable cost led last in January 2027 and not at the end: variable is 39 % of the cost of the last month"
    )


def test_where_fixed_leads_throughout_it_says_by_how_much() -> None:
    found = _found(_days([1000, 1200, 1393]))
    assert found == {
        "month": None, "label": None, "lo": None, "hi": None,
        "reason": "fixed cost leads throughout: variable is 31 % of the cost of the last month",
    }  # fmt: skip


def test_variable_cost_that_leads_from_the_start_does_so_in_month_one() -> None:
    assert _found(_days([4000, 4000]))["month"] == 1
    assert _found(_days([4000, 4000], fixed=0.0))["month"] == 1


def test_equal_is_not_more() -> None:
    found = _found(_days([3100, 3100]))
    assert found["month"] is None


@pytest.mark.parametrize("days", [_days([0.0, 0.0], fixed=0.0), _days([0.0])[:0]])
def test_without_cost_there_is_nothing_to_cross(days: pd.DataFrame) -> None:
    assert _found(days)["reason"] == "there is no cost"


def test_the_interval_opens_where_the_two_run_side_by_side() -> None:
    sharp = _found(_days([1500, 2000, 2500, 4000, 4500, 5000], noise=0.2))
    vague = _found(_days([2900, 2950, 3050, 3150, 3300, 5000], noise=0.2))
    assert (sharp["lo"], sharp["month"], sharp["hi"]) == (4, 4, 4)
    assert vague["lo"] < vague["hi"]
    assert vague["lo"] <= vague["month"] <= vague["hi"]


def test_an_end_of_the_interval_beyond_the_life_is_null() -> None:
    found = _found(_days([1000, 2000, 2500, 3150], noise=0.3))
    assert found["hi"] is None
    json.dumps(found, allow_nan=False)


def test_two_phases_on_one_day_count_together() -> None:
    whole = _days([1000, 4000, 5000])
    halves = [whole.assign(phase=name, variable_usd=whole["variable_usd"] / 2) for name in ("a", "b")]
    halves[1]["fixed_usd"] = 0.0
    both = pd.concat(halves).sort_values(["day", "phase"], ignore_index=True)
    assert _found(both)["month"] == 2


def test_few_days_have_a_month_and_no_interval() -> None:
    found = _found(_days([4000])[:20])
    assert (found["month"], found["lo"], found["hi"]) == (1, None, None)


def test_same_stream_same_answer() -> None:
    days = _days([2900, 2950, 3050, 3150, 3300, 5000], noise=0.2)
    assert _found(days) == _found(days)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(10, 10_000), min_size=2, max_size=6), st.floats(1.01, 3.0))
def test_more_variable_cost_never_brings_the_crossover_later(variable: list[float], more: float) -> None:
    beyond = len(variable) + 1
    first, sooner = (
        _found(_days([factor * usd for usd in variable]))["month"] or beyond for factor in (1.0, more)
    )  # fmt: skip
    assert sooner <= first
