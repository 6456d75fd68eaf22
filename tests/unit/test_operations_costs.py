"""Development, data, labels, tools and compliance: what a phase costs once, and month by month."""

import pytest
from pydantic import ValidationError

from sim.cost.ledger import Ledger
from sim.operations.costs import MONTH_S, CostItem, PhaseCosts, cost_lines

DAY_S = 86_400.0


def lines(ledger):
    return ledger.frame()[["account", "nature", "quantity", "unit", "amount_usd"]].values.tolist()


def test_one_offs_fall_due_once_and_months_accrue_with_time():
    costs = PhaseCosts(
        development=CostItem(one_off_usd=40_000), tools=CostItem(one_off_usd=500, monthly_usd_per_month=300)
    )
    ledger = Ledger()
    cost_lines(ledger, 0.0, 0.0, costs, "mvp", first=True)
    cost_lines(ledger, MONTH_S, MONTH_S, costs, "mvp", first=False)
    assert lines(ledger) == [
        ["development", "fixed", 1.0, "once", 40_000.0],
        ["tools", "fixed", 1.0, "once", 500.0],
        ["tools", "fixed", 1.0, "month", 300.0],
    ]


def test_twelve_months_are_a_year_however_days_cut_them():
    costs = PhaseCosts(compliance=CostItem(monthly_usd_per_month=1000))
    ledger = Ledger()
    for day in range(1, 366):
        cost_lines(ledger, day * DAY_S, DAY_S, costs, "scale", first=False)
    cost_lines(ledger, 365.25 * DAY_S, DAY_S / 4, costs, "scale", first=False)
    # each of 366 lines is rounded to the nearest nano-dollar
    assert abs(ledger.total_nano("fixed", "compliance") - 12_000 * 10**9) <= 183


def test_nothing_costs_nothing_and_leaves_no_line():
    ledger = Ledger()
    cost_lines(ledger, DAY_S, DAY_S, PhaseCosts(), "poc", first=True)
    assert len(ledger) == 0
    with pytest.raises(ValueError, match="cannot be paid"):
        cost_lines(ledger, 0.0, -1.0, PhaseCosts(), "poc", first=False)


def test_costs_are_typed_with_units_and_dumped_as_they_are_typed():
    typed = {"development": {"one_off": "40000 USD"}, "data": {"monthly": "1200 USD/year"}}
    costs = PhaseCosts.model_validate(typed, context={"door": True})
    assert costs.data.monthly_usd_per_month == 100.0
    dumped = costs.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert dumped == {"development": {"one_off": "40000 USD"}, "data": {"monthly": "100 USD/month"}}


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"data": {"monthly": 100}}, "without a unit"),
        ({"data": {"monthly": "-5 USD/month"}}, "at least 0"),
        ({"data": {"one_off": "100 USD/month"}}, "not a unit"),
        ({"labels": {"one_off": "2e9 USD"}}, "at most 1,000,000,000 USD"),
        ({"labelling": {}}, "not permitted"),
        ({"tools": "300 USD/month"}, "valid dictionary"),
    ],
)
def test_what_makes_no_sense_is_refused(typed, message):
    with pytest.raises(ValidationError, match=message):
        PhaseCosts.model_validate(typed, context={"door": True})
