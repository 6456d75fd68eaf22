"""Retraining by the calendar, whatever the labels say."""

from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator

from sim.clock.calendar import to_ns
from sim.config import Parameters, PositiveLongSeconds
from sim.config.units import SECONDS, format_quantity
from sim.policy.retraining.observation import Decision, Observation

MIN_PERIOD_S = 3600.0  # assumption: nobody retrains more than once an hour; online learning is another model


def _not_too_often(seconds: float) -> float:
    if seconds < MIN_PERIOD_S:
        raise ValueError('out of range. It must be at least 1 h, such as "30 d".')
    return seconds


class PeriodicState(NamedTuple):
    """When the next training is due (ns)."""

    due_ns: int


class Periodic(Parameters):
    """A training starts every `period_s`; one that falls due while another still runs is left out.

    Under a loss that grows by s a day and a cost of K a training, the best period is sqrt(2 K / s) days.
    """

    kind: Literal["periodic"] = "periodic"
    period_s: Annotated[PositiveLongSeconds, AfterValidator(_not_too_often)]

    def begin(self, now_ns: int) -> PeriodicState:
        """State at the start: the first training is due after one period."""
        return PeriodicState(now_ns + to_ns(self.period_s))

    def wake_ns(self, state: PeriodicState) -> int | None:
        """The moment at which it is due."""
        return state.due_ns

    def decide(self, observation: Observation, state: PeriodicState, now_ns: int) -> tuple[Decision, PeriodicState]:
        """Yes, once a period."""
        if now_ns < state.due_ns:
            return Decision(False, "not due"), state
        period_ns = to_ns(self.period_s)
        later = PeriodicState(state.due_ns + (1 + (now_ns - state.due_ns) // period_ns) * period_ns)
        if observation.training:
            return Decision(False, "a training still runs"), later
        period = format_quantity(self.period_s, SECONDS, ("d", "h", "min", "s"))
        return Decision(True, f"period of {period} over"), later
