"""The ledger: exact amounts, one rounding rule, the columns others rely on."""

import math

import pytest

from sim.config import RunError
from sim.cost.ledger import COLUMNS, Ledger
from sim.cost.money import product_nano

DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("quantity", "unit_price_usd", "nano"),
    [
        (3, 0.1, 300_000_000),  # as typed: not 0.30000000000000004
        (1, 5e-10, 0),  # half a nano-dollar goes to the even neighbour
        (1, 1.5e-9, 2),
        (1, 2.5e-9, 2),
        (0.5, 0.8048, 402_400_000),
        (1.8e6, 1234.5, 2_222_100_000_000_000_000),
    ],
)
def test_a_product_is_rounded_once_half_to_even(quantity: float, unit_price_usd: float, nano: int) -> None:
    assert product_nano(quantity, unit_price_usd) == nano


def test_a_posted_line_shows_in_every_column() -> None:
    ledger = Ledger()
    ledger.post(DAY_S, "network.egress", "variable", 2.0, "GB", 0.09, "mvp", workload="main", team="search", sku="aws")
    frame = ledger.frame()
    assert tuple(frame.columns) == COLUMNS
    line = frame.iloc[0].to_dict()
    assert line == {
        "at_s": DAY_S, "account": "network.egress", "nature": "variable", "quantity": 2.0, "unit": "GB",
        "unit_price_usd": 0.09, "amount_nano_usd": 180_000_000, "amount_usd": 0.18, "phase": "mvp", "workload": "main",
        "model": "", "team": "search", "feature": "", "resource": "", "sku": "aws",
    }  # fmt: skip


def test_an_empty_ledger_has_the_same_columns_and_kinds_as_a_full_one() -> None:
    ledger = Ledger()
    empty = ledger.frame()
    ledger.post(1.0, "people.engineer", "fixed", 1.0, "FTE-year", 1.0, "poc")
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == ledger.frame().dtypes.to_dict()
    assert empty["amount_nano_usd"].dtype == "int64"


def test_totals_by_nature_account_and_phase() -> None:
    ledger = Ledger()
    ledger.post(DAY_S, "people.engineer", "fixed", 1, "FTE-year", 3.0, "poc")
    ledger.post(DAY_S, "people.on_call", "fixed", 1, "FTE-year", 5.0, "mvp")
    ledger.post(DAY_S, "serving.api", "variable", 1, "request", 7.0, "mvp")
    usd = 1_000_000_000
    assert ledger.total_nano() == 15 * usd
    assert ledger.total_nano("fixed") == 8 * usd
    assert ledger.total_nano(account="people") == 8 * usd
    assert ledger.total_nano(account="people.on") == 0
    assert ledger.total_nano(phase="mvp") == 12 * usd
    assert ledger.total_nano("fixed", "people.on_call", "mvp") == 5 * usd


def test_an_amount_that_is_known_exactly_is_kept() -> None:
    ledger = Ledger()
    assert ledger.post(1.0, "network.egress", "variable", 1.0, "GB", 0.09, "poc", amount_nano=89_999_999) == 89_999_999
    assert ledger.frame()["amount_nano_usd"].tolist() == [89_999_999]


def test_more_money_than_the_ledger_holds_ends_the_run_in_a_plain_sentence() -> None:
    ledger = Ledger()
    for _ in range(2):
        ledger.post(1.0, "serving.api", "variable", 4e9, "request", 1.0, "poc")

    for quantity, cost in ((1e20, "1e\\+20 USD"), (4e9, "1.2e\\+10 USD")):
        with pytest.raises(RunError, match=f"cost {cost} by now.*at most 9.22e\\+09 USD.*lower prices"):
            ledger.post(2.0, "serving.api", "variable", quantity, "request", 1.0, "poc")

    assert ledger.frame()["amount_nano_usd"].sum() == ledger.total_nano() == 8_000_000_000_000_000_000


@pytest.mark.parametrize("quantity", [math.nan, math.inf])
def test_an_amount_that_is_not_finite_is_refused(quantity: float) -> None:
    ledger = Ledger()
    with pytest.raises(ValueError, match="finite"):
        ledger.post(1.0, "serving.api", "variable", quantity, "request", 1.0, "poc")
    assert len(ledger) == 0


def test_a_nature_is_fixed_or_variable() -> None:
    with pytest.raises(ValueError, match="fixed or variable"):
        Ledger().post(1.0, "serving.api", "mixed", 1, "request", 1.0, "poc")  # type: ignore[arg-type]
