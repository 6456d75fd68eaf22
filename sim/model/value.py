"""Parameters of the `value` node: what answers are worth, right and wrong, as their quality falls.

Each kind answers `worth_usd(quality, fresh)`, the mean worth of one answer (USD, below 0 where answers do more harm
than good), and `false_positives(quality, fresh)`, its false positive rate, None where it has none. quality: share of
right answers now; fresh: that of a model as fresh as its data.
"""

import math
from typing import Annotated, Literal

from pydantic import Field

from sim.config import Parameters, Share, Usd


class NoValue(Parameters):
    """Nobody has said what an answer is worth."""

    kind: Literal["none"] = "none"

    def worth_usd(self, quality: float, fresh: float) -> float:
        """Nothing."""
        return 0.0

    def false_positives(self, quality: float, fresh: float) -> float | None:
        """There is none."""
        return None


class ValuePerRequest(Parameters):
    """A right answer is worth `usd`, a wrong one costs `wrong`: q usd - (1 - q) wrong."""

    kind: Literal["per_request"] = "per_request"
    usd: Usd
    wrong_usd: Usd = 0.0  # assumption: a wrong answer is worth nothing and does no harm

    def worth_usd(self, quality: float, fresh: float) -> float:
        """Mean worth of an answer (USD)."""
        return quality * self.usd - (1.0 - quality) * self.wrong_usd

    def false_positives(self, quality: float, fresh: float) -> float | None:
        """There is none."""
        return None


class Decisions(Parameters):
    """Answers are decisions, yes or no, about cases of which a share really are (fraud, say).

    prevalence: share of requests that are positive; recall, false_positive_rate: of a fresh model, shares of the
    positive and of the negative ones that it calls positive; true_positive_usd: worth of a positive found;
    false_negative_usd, false_positive_usd: cost of one missed and of a false alarm. With miss rate m and false positive
    rate f

        worth = prevalence ((1 - m) true_positive - m false_negative) - (1 - prevalence) f false_positive

    (the confusion matrix in money). Both m and f grow in proportion to the share of wrong answers, (1 - q) /
    (1 - fresh), up to 1: assumption.
    """

    kind: Literal["decisions"] = "decisions"
    prevalence: Share
    recall: Share
    false_positive_rate: Share
    true_positive_usd: Usd
    false_negative_usd: Usd
    false_positive_usd: Usd

    def worth_usd(self, quality: float, fresh: float) -> float:
        """Mean worth of a decision (USD)."""
        missed = _grown(1.0 - self.recall, quality, fresh)
        alarms = _grown(self.false_positive_rate, quality, fresh)
        positive = (1.0 - missed) * self.true_positive_usd - missed * self.false_negative_usd
        return self.prevalence * positive - (1.0 - self.prevalence) * alarms * self.false_positive_usd

    def false_positives(self, quality: float, fresh: float) -> float | None:
        """Share of the negative cases that are called positive."""
        return _grown(self.false_positive_rate, quality, fresh)


Value = Annotated[NoValue | ValuePerRequest | Decisions, Field(discriminator="kind")]


def _grown(rate: float, quality: float, fresh: float) -> float:
    """A rate of errors that is `rate` at fresh quality; where a fresh model is never wrong, 1 as soon as one is."""
    if math.isnan(quality) or quality == fresh or rate == 0.0:
        return rate
    if fresh >= 1.0:
        return 1.0
    return min(1.0, rate * (1.0 - quality) / (1.0 - fresh))
