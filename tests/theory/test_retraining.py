"""Retraining against its closed forms: a loss that grows by s a day, and K for each training.

With a period of T days the loss is s T / 2 a day and trainings cost K / T a day, so that T* = sqrt(2 K / s) and the
least cost is sqrt(2 K s) (EQUATIONS 2.8). A training of d days makes every model d days older: s d a day more, whatever
T.
"""

import math

import pytest

from experiments.x_retrain.run import cost_usd_per_day, loss_usd_per_day2, settings

K, S = 500.0, 10.0


def test_the_experiment_has_the_published_loss_and_cost() -> None:
    own = settings()
    assert own["training"]["data"] == "500 USD"
    assert loss_usd_per_day2(own) == pytest.approx(S)


@pytest.mark.parametrize("period_d", [4.0, 8.0, 10.0, 12.5, 25.0])
def test_a_period_costs_half_its_loss_and_its_share_of_a_training(period_d: float) -> None:
    cost = cost_usd_per_day(settings(), period_d, cycles=4)
    assert cost.total == pytest.approx(S * period_d / 2 + K / period_d, rel=1e-3)


def test_the_best_period_is_the_square_root_law() -> None:
    best = math.sqrt(2 * K / S)
    least = cost_usd_per_day(settings(), best, cycles=4).total
    assert best == 10.0
    assert least == pytest.approx(math.sqrt(2 * K * S), rel=0.02)
    for off in (0.8, 0.98, 1.02, 1.25):
        assert cost_usd_per_day(settings(), best * off, cycles=4).total > least


@pytest.mark.parametrize("training_d", [1.0, 5.0, 9.0])
def test_a_long_training_costs_freshness_in_proportion(training_d: float) -> None:
    # CAPABILITIES T-10: freshness loss = training time x decay
    slow = cost_usd_per_day(settings(), 10.0, cycles=4, training_d=training_d)
    quick = cost_usd_per_day(settings(), 10.0, cycles=4)
    assert slow.staleness - quick.staleness == pytest.approx(S * training_d, rel=1e-3)
    assert slow.training == pytest.approx(quick.training)
