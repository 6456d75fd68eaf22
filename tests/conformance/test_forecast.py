"""The smoothing that the predictive controller carries on, against statsmodels's own."""

import numpy as np
import pytest

from sim.policy.autoscaling.forecast import Smoothed, fit

holtwinters = pytest.importorskip("statsmodels.tsa.holtwinters")
PERIOD = 8
# One season after the last observation upstream forecasts with that season's term as it was before the observation
# (statsmodels 0.15 overwrites its newest term in `_predict`); the textbook, and here, takes the term that it made.
NOT_LAST = np.arange(20) % PERIOD != PERIOD - 1


def series(n: int, seed: int = 3) -> np.ndarray:
    steps = np.arange(n)
    noise = np.random.default_rng(seed).normal(0.0, 1.0, n)
    return 50.0 + 0.1 * steps + 10.0 * np.sin(2 * np.pi * steps / PERIOD) + noise


def upstream(y: np.ndarray, known: dict[str, object]) -> object:
    """statsmodels's model with the weights and the start given, so that nothing is left to fit."""
    model = holtwinters.ExponentialSmoothing(
        y, trend="add", damped_trend=True, seasonal="add", seasonal_periods=PERIOD, initialization_method="known",
        initial_level=known["level"], initial_trend=known["trend"], initial_seasonal=known["season"],
    )  # fmt: skip
    return model.fit(
        smoothing_level=known["alpha"], smoothing_trend=known["beta"], smoothing_seasonal=known["gamma"],
        damping_trend=known["phi"], optimized=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("alpha", "beta", "gamma", "phi"), [(0.3, 0.1, 0.2, 0.95), (0.9, 0.02, 0.05, 0.8), (0.05, 0.5, 0.4, 0.99)]
)
def test_step_by_step_it_is_statsmodels(alpha: float, beta: float, gamma: float, phi: float) -> None:
    y, season = series(60), np.linspace(-7.0, 7.0, PERIOD)
    known = {"alpha": alpha, "beta": beta, "gamma": gamma, "phi": phi, "level": 50.0, "trend": 0.5, "season": season}
    ours = Smoothed(alpha, beta, gamma, phi, 50.0, 0.5, season)
    for value in y:
        ours = ours.after(float(value))
    theirs = upstream(y, known)
    assert (ours.level, ours.trend) == pytest.approx((theirs.level[-1], theirs.trend[-1]), rel=1e-9)
    np.testing.assert_allclose(ours.season, theirs.season[-PERIOD:], rtol=1e-9)
    np.testing.assert_allclose(ours.ahead(20)[NOT_LAST], theirs.forecast(20)[NOT_LAST], rtol=1e-9)


def test_a_fit_stands_where_statsmodels_stands_at_its_end() -> None:
    y = series(80)
    model = holtwinters.ExponentialSmoothing(
        y, trend="add", damped_trend=True, seasonal="add", seasonal_periods=PERIOD, initialization_method="heuristic"
    )
    np.testing.assert_allclose(fit(y, PERIOD).ahead(20)[NOT_LAST], model.fit().forecast(20)[NOT_LAST], rtol=1e-9)


def test_what_repeats_itself_is_foreseen() -> None:
    y = np.tile(np.arange(8.0), 6)
    np.testing.assert_allclose(fit(y, PERIOD).ahead(16), np.tile(np.arange(8.0), 2), atol=0.05)


def test_a_flat_series_stays_flat_and_nothing_goes_below_zero() -> None:
    np.testing.assert_array_equal(fit(np.full(16, 3.0), PERIOD).ahead(5), np.full(5, 3.0))
    falling = Smoothed(0.5, 0.5, 0.0, 1.0, 2.0, -1.0, np.zeros(PERIOD))
    np.testing.assert_array_equal(falling.ahead(4), [1.0, 0.0, 0.0, 0.0])
