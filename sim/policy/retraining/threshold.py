"""Retraining when the labels say that quality has fallen below a threshold."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, field_validator

from sim.clock.calendar import to_ns
from sim.config import Count, LongSeconds, Parameters, Share
from sim.policy.retraining.observation import Decision, Observation


class ThresholdState(NamedTuple):
    """When a training was last decided (ns); None: never."""

    last_ns: int | None


class Threshold(Parameters):
    """A training starts when the estimated quality is below `below`, and at least `cooldown_s` after the last decision.

    min_labels: fewer labels than this are no reason to act.
    """

    kind: Literal["threshold"] = "threshold"
    below: Share
    cooldown_s: LongSeconds = 14 * 86_400.0  # assumption: two weeks, so that a new model is judged by its own labels
    # assumption: a standard error of 3.6 points at a quality of 85 %; with fewer, chance alone would retrain
    min_labels: Annotated[Count, Field(ge=1)] = 100

    @field_validator("below")
    @classmethod
    def _above_zero(cls, value: float) -> float:
        if value == 0.0:
            raise ValueError('no quality is below 0 %, so it can never fire. Type, say, "85 %", or kind: never.')
        return value

    def begin(self, now_ns: int) -> ThresholdState:
        """State at the start: nothing decided yet."""
        return ThresholdState(None)

    def wake_ns(self, state: ThresholdState) -> int | None:
        """Never: only labels can change its mind."""
        return None

    def decide(self, observation: Observation, state: ThresholdState, now_ns: int) -> tuple[Decision, ThresholdState]:
        """Yes, where enough labels lie below the threshold."""
        estimate, labels = observation.estimate, observation.labels
        if estimate is None or labels < self.min_labels:
            return Decision(False, f"{labels:,} labels of at least {self.min_labels:,}"), state
        seen = f"estimate {100 * estimate:.4g} %"
        if estimate >= self.below:
            return Decision(False, f"{seen} >= {100 * self.below:.4g} %"), state
        if observation.training:
            return Decision(False, f"{seen}, a training still runs"), state
        if state.last_ns is not None and now_ns - state.last_ns < to_ns(self.cooldown_s):
            return Decision(False, f"{seen}, cooling down"), state
        reason = f"{seen} < {100 * self.below:.4g} % ({labels:,} labels)"
        return Decision(True, reason), ThresholdState(now_ns)
