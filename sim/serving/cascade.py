"""Parameters of a cascade by confidence: a request goes on where a stage's model is less sure of it than a threshold.

What a run needs of it is the share of requests that go on, worked out at the door from the distribution of confidence
over requests: a fitted beta distribution, or shares that were measured at some thresholds.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, model_validator

from sim.config import Parameters, Share

MAX_SHAPE = 10_000.0  # assumption: a spread of 0.5 % around the mean, narrower than any model's confidence
Shape = Annotated[float, Field(gt=0.0, le=MAX_SHAPE)]


class Below(Parameters):
    """Where requests go whose confidence lies below a threshold, and below no lower threshold of the same stage."""

    confidence_below: Share


class Measured(Parameters):
    """share: of requests whose confidence was below the threshold, which go on."""

    threshold: Share
    share: Share


class Confidence(Parameters):
    """How sure a stage's model is of its answers, over requests.

    alpha, beta: of a beta distribution (mean alpha/(alpha + beta)); or measured: shares below some thresholds, both
    rising, linear in between and nothing beyond.
    """

    alpha: Shape | None = None
    beta: Shape | None = None
    measured: tuple[Measured, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        shapes = [shape for shape in (self.alpha, self.beta) if shape is not None]
        if len(shapes) + 2 * bool(self.measured) != 2:
            raise ValueError(
                "confidence is either a beta distribution or a table. Type {alpha: 6, beta: 2}, or {measured: "
                "[{threshold: 50 %, share: 5 %}, {threshold: 90 %, share: 60 %}]}."
            )
        for a, b in zip(self.measured, self.measured[1:]):
            if b.threshold <= a.threshold or b.share < a.share:
                raise ValueError(
                    f"a threshold of {b.threshold:g} with a share of {b.share:g} stands after {a.threshold:g} with "
                    f"{a.share:g}. Type rising thresholds; the shares below them cannot fall."
                )
        return self

    def share_below(self, threshold: float) -> float:
        """Share of requests with less confidence; NaN beyond what was measured."""
        if not self.measured:
            assert self.alpha is not None
            assert self.beta is not None
            return _beta_below(self.alpha, self.beta, threshold)
        at = [point.threshold for point in self.measured]
        if not at[0] <= threshold <= at[-1]:
            return float("nan")
        from numpy import interp

        return float(interp(threshold, at, [point.share for point in self.measured]))

    def said(self) -> str:
        """What it is, in words."""
        if self.measured:
            return f"measured at {len(self.measured)} thresholds"
        return f"beta distribution, alpha {self.alpha:g}, beta {self.beta:g}"


@lru_cache(maxsize=1024)
def _beta_below(alpha: float, beta: float, threshold: float) -> float:
    from scipy.special import betainc

    return float(betainc(alpha, beta, threshold))


def _tag(value: object) -> str:
    return "[below]" if isinstance(value, Mapping | Below) else "[share]"


Onward = Annotated[Annotated[Share, Tag("[share]")] | Annotated[Below, Tag("[below]")], Discriminator(_tag)]
"""Who goes on to a stage: a share of requests, or those with little confidence."""


def shares(onward: Mapping[str, "float | Below"], confidence: Confidence | None) -> dict[str, float]:
    """Share of a stage's requests that goes on to each stage: as typed, or between its threshold and the one below it;
    the lowest thresholds first.
    """
    limits = {name: it.confidence_below for name, it in onward.items() if isinstance(it, Below)}
    if confidence is None or not limits:
        return {name: it for name, it in onward.items() if not isinstance(it, Below)}
    found, before = {}, 0.0
    for name in sorted(limits, key=lambda name: limits[name]):
        upto = confidence.share_below(limits[name])
        found[name], before = upto - before, upto
    return found


def problem(
    onward: Mapping[str, "float | Below"], confidence: Confidence | None
) -> tuple[tuple[str, ...], str] | None:  # fmt: skip
    """What is wrong with where a stage's requests go on to: (where in the stage, sentence), or None."""
    limits = {name: it.confidence_below for name, it in onward.items() if isinstance(it, Below)}
    if not limits:
        unused = "no stage follows by confidence. Type next: {STAGE: {confidence_below: 0.8}}, or leave it out."
        return (("confidence",), unused) if confidence is not None else None
    first = next(iter(limits))
    here = ("next", first, "confidence_below")
    if confidence is None:
        return here, "of which confidence? Type this stage's confidence: {alpha: 6, beta: 2}, or a measured table."
    if len(limits) < len(onward):
        return ("next",), "both shares and confidence. Type one or the other for all stages that follow."
    if len(set(limits.values())) < len(limits):
        return ("next",), "the same confidence twice, so that nobody goes to one of them. Type different thresholds."
    if confidence.measured:
        low, high = confidence.measured[0].threshold, confidence.measured[-1].threshold
        for name, limit in limits.items():
            if not low <= limit <= high:
                return (
                    ("next", name, "confidence_below"),
                    f"beyond what was measured, {low:g} to {high:g}. Type a threshold between them, or measure more.",
                )
    for name, share in shares(onward, confidence).items():
        if share <= 0.0:
            return (
                ("next", name, "confidence_below"),
                f"no request has so little confidence ({confidence.said()}). Type a higher one, or leave {name} out.",
            )
    return None
