"""A seasonal forecast of a rate: Holt and Winters's additive smoothing with a damped trend, step by step.

Source: P. R. Winters, "Forecasting Sales by Exponentially Weighted Moving Averages", Management Science 6 (1960); E. S.
Gardner, E. McKenzie, "Forecasting Trends in Time Series", Management Science 31 (1985) for the damped trend. Weights
are fitted by statsmodels (0.14 and later), `ExponentialSmoothing` with its heuristic start, and nothing else is:

    level(t)  = alpha (y(t) - season(t-m)) + (1 - alpha) (level(t-1) + phi trend(t-1))
    trend(t)  = beta (level(t) - level(t-1)) + (1 - beta) phi trend(t-1)
    season(t) = gamma (y(t) - level(t-1) - phi trend(t-1)) + (1 - gamma) season(t-m)
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


class Smoothed(NamedTuple):
    """Weights, and where the smoothing stands. season: the last m steps' terms, oldest first, never written to."""

    alpha: float
    beta: float
    gamma: float
    phi: float
    level: float
    trend: float
    season: Float64

    def after(self, y: float) -> "Smoothed":
        """One more step, of which `y` was observed."""
        oldest, expected = float(self.season[0]), self.level + self.phi * self.trend
        level = self.alpha * (y - oldest) + (1 - self.alpha) * expected
        trend = self.beta * (level - self.level) + (1 - self.beta) * self.phi * self.trend
        newest = self.gamma * (y - expected) + (1 - self.gamma) * oldest
        return self._replace(level=level, trend=trend, season=np.append(self.season[1:], newest))

    def ahead(self, steps: int) -> Float64:
        """Forecasts of the next `steps` steps, none below zero."""
        damped = np.cumsum(self.phi ** np.arange(1, steps + 1))
        season = np.take(self.season, np.arange(steps), mode="wrap")
        return np.maximum(0.0, self.level + damped * self.trend + season)


def fit(series: Float64, period: int) -> Smoothed:
    """The smoothing that fits a series best (least squares one step ahead), at its end.

    series: at least two periods; period: steps of a season, at least 2.
    """
    if np.ptp(series) == 0.0:  # nothing to fit: any weights do
        return Smoothed(0.5, 0.0, 0.0, 0.9, float(series[-1]), 0.0, np.zeros(period))
    import warnings

    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that has not converged is still the best one found
        model = ExponentialSmoothing(
            series, trend="add", damped_trend=True, seasonal="add", seasonal_periods=period,
            initialization_method="heuristic",
        )  # fmt: skip
        found = model.fit()
    names = ("smoothing_level", "smoothing_trend", "smoothing_seasonal", "damping_trend")
    alpha, beta, gamma, phi = (float(found.params[name]) for name in names)
    season = np.array(found.season[-period:], np.float64)
    return Smoothed(alpha, beta, gamma, phi, float(found.level[-1]), float(found.trend[-1]), season)
