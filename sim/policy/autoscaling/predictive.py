"""Replicas for the arrivals that are forecast over the time that a new one takes to be ready.

After AWS Auto Scaling's predictive scaling (forecast and scale; docs.aws.amazon.com/autoscaling, 2026-11): a forecast
from two weeks of history sets how many there are ahead of time, and what is asked for is never below what the present
asks for. AWS does not publish its model; here it is `sim.policy.autoscaling.forecast`, fitted anew every `refit_s` and
carried on step by step in between. Until two seasons have been seen, the present rate is all there is. The reason of a
decision holds the forecast's error so far: the sum of what forecasts over the lead time were off by, over the sum of
what came ("Forecast:error=12%"); "PresentRate" where nothing is forecast yet, or less than comes now.
"""

import math
from importlib.util import find_spec
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo, field_validator, model_validator

from sim.clock.calendar import to_ns
from sim.config import PositiveSeconds, Rate, Seconds, Share
from sim.config.units import span_text
from sim.policy.autoscaling.forecast import Smoothed, fit
from sim.policy.autoscaling.scale_in_delay import Delayed, Log
from sim.policy.autoscaling.throughput import known, learnt
from sim.policy.bounds import Utilisation
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting

_HALVES_EVERY_S = 3600.0  # assumption: a replica's throughput follows a change of the requests' mix within hours
_MOST_STEPS = 5000  # assumption: of history; a fit of more takes tens of seconds


class PredictiveState(NamedTuple):
    """What it has seen and made of it.

    lead: steps from one just over to the last that a replica asked for now must be ready for; served, busy_s: requests
    and the busy seconds they took, old ones for less; step_ns: end of the step under way; total, samples: of the rates
    seen in it; series: rates by step, oldest first; smoothed: the fit (None: none yet), of `fit_ns`; peak_per_s: the
    largest forecast of the lead time; due: forecasts made of the steps to come, the nearest first; off, came: sums of
    what forecasts were off by and of what came.
    """

    lead: int
    served: float
    busy_s: float
    step_ns: int
    total: float = 0.0
    samples: int = 0
    series: NDArray[np.float64] = np.zeros(0)
    smoothed: Smoothed | None = None
    fit_ns: int = 0
    peak_per_s: float = 0.0
    due: tuple[float, ...] = ()
    off: float = 0.0
    came: float = 0.0
    log: Log = ()

    @property
    def error(self) -> float:
        """Weighted absolute error of the forecasts that have come due; NaN before."""
        return self.off / self.came if self.came > 0.0 else math.nan


class Predictive(Delayed):
    """Parameters of the forecast, and the controller itself as pure methods.

    target: share of time that replicas may be busy at most; capacity_per_s: requests that one gives (None: learnt from
    answers and busy time); step_s, season_s, history_s: of the series that is forecast; refit_s: between two fits;
    lead_s: time ahead of which replicas are asked for (None: that of booting and loading); margin: on the forecast.
    """

    kind: Literal["predictive"] = "predictive"
    target: Utilisation = 0.7  # assumption: less than the HPA's, as forecasts are off
    capacity_per_s: Rate | None = None
    step_s: PositiveSeconds = 900.0  # assumption: arrivals of a quarter of an hour are a rate, not a draw
    season_s: PositiveSeconds = 86_400.0  # assumption: days resemble each other; 7 d where weekdays differ
    history_s: PositiveSeconds = 1_209_600.0  # AWS predictive scaling: 14 days
    refit_s: PositiveSeconds = 604_800.0  # assumption: weights change slowly; what comes is taken in at every step
    lead_s: Seconds | None = None
    margin: Share = 0.1  # assumption

    @field_validator("capacity_per_s")
    @classmethod
    def _some_work(cls, value: float | None) -> float | None:
        if value == 0.0:
            raise ValueError('no replica would do. It must be more than 0, such as "12 req/s"; null learns it.')
        return value

    @field_validator("step_s")
    @classmethod
    def _not_too_fine(cls, value: float) -> float:
        if value < 60.0:
            raise ValueError('out of range. It must be at least 1 min, such as "15 min".')
        return value

    @field_validator("season_s")
    @classmethod
    def _whole_steps(cls, value: float, info: ValidationInfo) -> float:
        step_s = info.data.get("step_s")
        if step_s is not None and (value < 2 * step_s or abs(value / step_s - round(value / step_s)) > 1e-9):
            raise ValueError(
                f"not a whole number of steps, at least 2. Type a multiple of step ({span_text(step_s, exact=True)})."
            )
        return value

    @field_validator("history_s")
    @classmethod
    def _two_seasons(cls, value: float, info: ValidationInfo) -> float:
        season_s, step_s = info.data.get("season_s"), info.data.get("step_s")
        if season_s is not None and value < 2 * season_s:
            raise ValueError(
                f"less than two seasons, of which nothing is learnt. Type at least "
                f"{span_text(2 * season_s, exact=True)}."
            )
        if step_s is not None and value / step_s > _MOST_STEPS:
            raise ValueError(
                f"more than {_MOST_STEPS:,} steps. Type at most {span_text(_MOST_STEPS * step_s, exact=True)}, or a "
                "longer step."
            )
        return value

    @field_validator("refit_s")
    @classmethod
    def _not_too_often(cls, value: float) -> float:
        if value < 3600.0:
            raise ValueError('out of range. A fit takes a second; it must be at least 1 h, such as "7 d".')
        return value

    @model_validator(mode="after")
    def _can_forecast(self) -> Self:
        if find_spec("statsmodels") is None:
            raise ValueError(
                "the predictive controller forecasts with statsmodels, which is not installed. Type "
                "pip install 'poc2scale[predictive]', or choose another controller (poc2scale list autoscaler)."
            )
        return self

    @property
    def informed(self) -> bool:
        """It takes the lead time, and its first idea of a replica, from its setting."""
        return True

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> PredictiveState:
        """State at the start."""
        lead_s = (setting.boot_s if self.lead_s is None else self.lead_s) + self.sync_period_s
        lead = 1 + min(math.ceil(lead_s / self.step_s), round(self.history_s / self.step_s))
        served, busy_s = known(setting) if self.capacity_per_s is None else (0.0, 0.0)
        return PredictiveState(lead, served, busy_s, now_ns + to_ns(self.step_s))

    def decide(self, observation: Observation, state: PredictiveState, now_ns: int) -> tuple[Decision, PredictiveState]:
        """As many as the larger of the forecast and the present rate needs."""
        current, now_per_s = observation.target_replicas, observation.arrived_per_s
        if now_per_s == now_per_s:
            state = state._replace(total=state.total + now_per_s, samples=state.samples + 1)
            if self.capacity_per_s is None:
                served, busy_s = learnt(observation, state.served, state.busy_s, _HALVES_EVERY_S)
                state = state._replace(served=served, busy_s=busy_s)
        if now_ns >= state.step_ns:
            state = self._stepped(state, now_ns)
        capacity_per_s = self.capacity_per_s or (state.served / state.busy_s if state.busy_s > 0.0 else 0.0)
        if now_per_s != now_per_s or not capacity_per_s > 0.0:
            return Decision(self.within(current), "NoMetrics"), state
        foreseen_per_s = state.peak_per_s * (1.0 + self.margin)
        needed = max(foreseen_per_s, now_per_s) / (capacity_per_s * self.target)
        raw = self.within(math.ceil(min(needed, 1e9) - 1e-9))
        reason = "PresentRate"
        if foreseen_per_s >= now_per_s and state.smoothed is not None:
            reason = f"Forecast:error={100 * state.error:.0f}%" if state.came > 0.0 else "Forecast"
        decision, log = self.delayed(raw, reason, state.log, current, now_ns)
        return decision, state._replace(log=log)

    def _stepped(self, state: PredictiveState, now_ns: int) -> PredictiveState:
        """A step is over: its rate joins the series, the forecast of it is held against it, and the next ones made."""
        step_ns = to_ns(self.step_s)
        end_ns = state.step_ns + (1 + (now_ns - state.step_ns) // step_ns) * step_ns
        if state.samples == 0:  # nothing was seen: the series does not know of this step
            return state._replace(step_ns=end_ns)
        rate = state.total / state.samples
        series = np.append(state.series, rate)[-round(self.history_s / self.step_s) :]
        off, came, due = state.off, state.came, state.due
        if len(due) == state.lead:  # made as long ago as the lead time
            off, came, due = off + abs(due[0] - rate), came + rate, due[1:]
        smoothed, fit_ns, period = state.smoothed, state.fit_ns, round(self.season_s / self.step_s)
        if len(series) >= 2 * period and (smoothed is None or now_ns >= fit_ns + to_ns(self.refit_s)):
            smoothed, fit_ns = fit(series, period), now_ns
        elif smoothed is not None:
            smoothed = smoothed.after(rate)
        peak_per_s = 0.0
        if smoothed is not None:
            ahead = smoothed.ahead(state.lead)
            peak_per_s, due = float(ahead.max()), (*due, float(ahead[-1]))
        return state._replace(
            step_ns=end_ns, total=0.0, samples=0, series=series, smoothed=smoothed, fit_ns=fit_ns,
            peak_per_s=peak_per_s, due=due, off=off, came=came,
        )  # fmt: skip
