"""What a retraining policy sees of a model, and what it answers."""

from typing import NamedTuple


class Observation(NamedTuple):
    """A model as its labels show it; its true quality is nobody's to see.

    estimate: share of right answers among its newest labels; None while there are none
    labels:   how many labels the estimate is made of
    training: whether a job is running, or trained and not yet deployed
    """

    estimate: float | None
    labels: int
    training: bool


class Decision(NamedTuple):
    """Whether to start a training now, and why or why not, in a few plain words."""

    retrain: bool
    reason: str
