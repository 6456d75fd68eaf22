"""What answers are worth, and the lines of both ledgers that a model's life makes."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.cost.ledger import Ledger
from sim.model.lines import monitor_line, training_lines, value_lines
from sim.model.parameters import LabelMonitor, ModelLearning, NoLearning, Training
from sim.model.value import Decisions, NoValue, ValuePerRequest

DAY_S = 86_400.0
USD = 1_000_000_000
SHOP = ValuePerRequest(usd=0.002, wrong_usd=0.001)
FRAUD = Decisions(
    prevalence=0.002, recall=0.9, false_positive_rate=0.005, true_positive_usd=50.0, false_negative_usd=50.0,
    false_positive_usd=2.0,
)  # fmt: skip


def posted(value: Any, answered: int = 1000, throttled: int = 0, shed: int = 0, q: float = 0.9, fresh: float = 0.9):
    ledger = Ledger()
    value_lines(ledger, DAY_S, answered, throttled, shed, q, fresh, value, "mvp", "main")
    return ledger


def test_right_answers_earn_and_wrong_ones_cost() -> None:
    assert SHOP.worth_usd(0.9, 0.9) == pytest.approx(0.9 * 0.002 - 0.1 * 0.001)
    assert SHOP.worth_usd(0.2, 0.9) < 0
    assert SHOP.false_positives(0.5, 0.9) is None
    assert NoValue().worth_usd(0.9, 0.9) == 0.0


def test_decisions_are_worth_what_the_confusion_matrix_says() -> None:
    # EQUATIONS 2.1: pi TPR v_TP - pi (1 - TPR) c_FN - (1 - pi) FPR c_FP
    expected = 0.002 * 0.9 * 50 - 0.002 * 0.1 * 50 - 0.998 * 0.005 * 2
    assert FRAUD.worth_usd(0.98, 0.98) == pytest.approx(expected)
    assert FRAUD.false_positives(0.98, 0.98) == 0.005


def test_errors_of_both_kinds_grow_with_the_share_of_wrong_answers() -> None:
    # twice as many wrong answers as fresh: miss rate 20 %, false positive rate 1 %
    expected = 0.002 * 0.8 * 50 - 0.002 * 0.2 * 50 - 0.998 * 0.01 * 2
    assert FRAUD.worth_usd(0.96, 0.98) == pytest.approx(expected)
    assert FRAUD.false_positives(0.96, 0.98) == pytest.approx(0.01)


def test_rates_end_at_one() -> None:
    assert FRAUD.false_positives(0.0, 0.999) == 1.0
    assert FRAUD.worth_usd(0.0, 0.999) == pytest.approx(-0.002 * 50 - 0.998 * 2)
    perfect = FRAUD.model_copy(update={"recall": 1.0})
    assert perfect.worth_usd(0.9, 1.0) == pytest.approx(0.002 * 50 - 0.998 * 2)  # nothing is missed, all are alarmed
    assert FRAUD.false_positives(math.nan, math.nan) == 0.005


def test_lines_of_a_day_at_fresh_quality() -> None:
    frame = posted(SHOP, answered=1000, throttled=20, shed=5).frame()
    assert frame[["account", "nature", "quantity", "unit"]].values.tolist() == [
        ["value.answers", "earned", 1000, "request"],
        ["value.throttled", "lost", 20, "request"],
        ["value.shed", "lost", 5, "request"],
    ]
    assert frame["amount_usd"].tolist() == pytest.approx([1.7, 0.034, 0.0085])
    assert set(frame["workload"]) == {"main"}
    assert set(frame["phase"]) == {"mvp"}


@given(
    value=st.sampled_from([SHOP, FRAUD]), answered=st.integers(0, 10**9), q=st.floats(0, 1), fresh=st.floats(0.01, 1)
)
def test_earned_and_lost_to_staleness_add_up_to_what_fresh_answers_are_worth(value, answered, q, fresh) -> None:
    ledger = posted(value, answered=answered, q=q, fresh=fresh)
    total = ledger.total_nano("earned") + ledger.total_nano("lost", "value.staleness")
    assert total / USD == pytest.approx(answered * value.worth_usd(fresh, fresh), rel=1e-9, abs=1e-6)
    assert ledger.total_nano("fixed") == ledger.total_nano("variable") == 0


def test_answers_that_do_harm_earn_less_than_nothing() -> None:
    ledger = posted(SHOP, q=0.2)
    assert ledger.total_nano("earned") == round(1000 * (0.2 * 0.002 - 0.8 * 0.001) * USD)
    assert ledger.total_nano("lost") == round(1000 * 0.7 * 0.003 * USD)


def test_without_a_model_every_answer_is_right_and_without_a_value_nothing_is_said() -> None:
    ledger = posted(SHOP, q=math.nan, fresh=math.nan)
    assert ledger.total_nano("earned") == 2 * USD
    assert ledger.total_nano("lost") == 0
    assert len(posted(NoValue())) == 0
    with pytest.raises(ValueError, match="no value"):
        posted(SHOP, answered=-1)


# --- costs


def test_costs_of_learning_by_account() -> None:
    ledger = Ledger()
    learning = ModelLearning(
        quality=0.9, monitor=LabelMonitor(price_usd=0.012),
        training=Training(duration_s=12 * 3600, machines=4, price_usd_per_h=2.5, data_usd=100.0, labels_usd=30.0),
    )  # fmt: skip
    training_lines(ledger, DAY_S, 6 * 3600, 1, learning.training, "mvp", "main")
    monitor_line(ledger, DAY_S, 500, learning, "mvp", "main")
    frame = ledger.frame()
    assert frame[["account", "nature", "quantity", "unit", "amount_usd"]].values.tolist() == [
        ["training", "fixed", 24, "h", 60],
        ["data", "fixed", 1, "job", 100],
        ["labels", "fixed", 1, "job", 30],
        ["labels.monitor", "variable", 500, "label", 6],
    ]
    assert set(frame["workload"]) == {"main"}


def test_what_costs_nothing_makes_no_line() -> None:
    ledger = Ledger()
    training_lines(ledger, DAY_S, 0.0, 0, Training(data_usd=1.0), "mvp", "main")
    training_lines(ledger, DAY_S, 0.0, 1, Training(), "mvp", "main")  # free data
    monitor_line(ledger, DAY_S, 5, ModelLearning(quality=0.9), "mvp", "main")  # no monitor's price
    monitor_line(ledger, DAY_S, 0, NoLearning(), "mvp", "main")
    assert len(ledger) == 0


@pytest.mark.parametrize(("training_s", "jobs"), [(-1.0, 0), (0.0, -1)])
def test_trainings_that_cannot_be_billed_are_a_bug(training_s, jobs) -> None:
    with pytest.raises(ValueError, match="cannot be billed"):
        training_lines(Ledger(), DAY_S, training_s, jobs, Training(), "mvp", "main")


@pytest.mark.parametrize(("labels", "learning"), [(-1, ModelLearning(quality=0.9)), (1, NoLearning())])
def test_labels_that_cannot_be_billed_are_a_bug(labels, learning) -> None:
    with pytest.raises(ValueError, match="cannot be billed"):
        monitor_line(Ledger(), DAY_S, labels, learning, "mvp", "main")
