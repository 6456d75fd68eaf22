"""Parameters of the `learning` node: how a model's quality falls, who notices, and what is done about it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from sim.config import (
    Count,
    LongSeconds,
    Parameters,
    PositiveLongSeconds,
    PositiveSeconds,
    Seconds,
    Share,
    Usd,
    UsdPerHour,
)
from sim.config.units import SHARE, format_quantity, span_text
from sim.policy.retraining import Never, Periodic, Retraining, Threshold

MAX_WINDOW = 1_000_000  # assumption: an estimate to a twentieth of a point, beyond what anybody labels anew
MAX_MACHINES = 100_000  # assumption: as large as the largest clusters of 2026
MIN_EVERY_S = 3600.0  # assumption: nobody labels more than once an hour, and no world changes more often


def _an_hour_or_more(seconds: float) -> float:
    if seconds < MIN_EVERY_S:
        raise ValueError('out of range. It must be at least 1 h, such as "1 d".')
    return seconds


def _some(share: float) -> float:
    if share == 0.0:
        raise ValueError('out of range. It must be more than 0 %, such as "1 %".')
    return share


SomeShare = Annotated[Share, AfterValidator(_some)]


class NoDrift(Parameters):
    """The world stays as it is in the data."""

    kind: Literal["none"] = "none"


class LinearDrift(Parameters):
    """Quality falls by `loss` (share of all answers) every `over_s` of the model's age, to 0 at worst."""

    kind: Literal["linear"] = "linear"
    loss: Share
    over_s: PositiveLongSeconds


class ExponentialDrift(Parameters):
    """Quality falls towards `floor`: floor + (fresh - floor) exp(-age / time constant)."""

    kind: Literal["exponential"] = "exponential"
    floor: Share
    time_constant_s: PositiveLongSeconds


class StepDrift(Parameters):
    """The world changes at moments of a Poisson process, `every_s` apart on average; each costs `loss`, to 0 at worst.

    A model whose data reach beyond a change has learned it.
    """

    kind: Literal["step"] = "step"
    loss: Share
    every_s: Annotated[PositiveLongSeconds, AfterValidator(_an_hour_or_more)]


Drift = Annotated[NoDrift | LinearDrift | ExponentialDrift | StepDrift, Field(discriminator="kind")]


class NoMonitor(Parameters):
    """Nobody looks whether answers are right."""

    kind: Literal["none"] = "none"


class LabelMonitor(Parameters):
    """People say of a sample of answers whether they were right.

    share: of answered requests that get a label; delay_s: from the answer to its label; every_s: how often a sample is
    drawn; window: the newest labels that the estimate is made of; price_usd: per label.
    """

    kind: Literal["labels"] = "labels"
    share: SomeShare = 0.01  # assumption: one answer in a hundred
    delay_s: LongSeconds = 7 * 86_400.0  # assumption: a week, until users or labellers have spoken
    every_s: Annotated[PositiveLongSeconds, AfterValidator(_an_hour_or_more)] = 86_400.0  # assumption: a daily job
    window: Annotated[Count, Field(ge=1, le=MAX_WINDOW)] = 1000  # assumption: a standard error of one point at 90 %
    price_usd: Usd = 0.012  # image or text class, public price lists of labelling services (secondary source)


Monitor = Annotated[NoMonitor | LabelMonitor, Field(discriminator="kind")]


class Training(Parameters):
    """One training job.

    duration_s: from its start, where its data end, to a finished model; machines, price_usd_per_h: rented for that
    time, each at that price; data_usd, labels_usd: bought for each job; approval_s: from the finished model to its
    deploy, without machines.
    """

    duration_s: PositiveSeconds = 12 * 3600.0  # assumption: overnight
    machines: Annotated[Count, Field(ge=1, le=MAX_MACHINES)] = 1  # assumption: a small model or a fine-tuning
    price_usd_per_h: UsdPerHour = 2.5  # assumption: an accelerator of the H100 class, rented by the hour
    data_usd: Usd = 0.0  # assumption: the product's own logs
    labels_usd: Usd = 0.0  # assumption: the monitor's labels, paid already
    approval_s: Seconds = 86_400.0  # assumption: a day for evaluation and a person's word


class NoLearning(Parameters):
    """No model whose quality anybody cares about."""

    kind: Literal["none"] = "none"


class ModelLearning(Parameters):
    """A model that was trained once, and may be again.

    quality: share of right answers of a model that is as fresh as its data; drift: how that falls with age; monitor:
    who notices; training: what a new model takes; retraining: when it is made.
    """

    kind: Literal["supervised"] = "supervised"
    quality: SomeShare
    drift: Drift = NoDrift()  # assumption: the world stands still unless told otherwise
    monitor: Monitor = NoMonitor()  # assumption: nobody looks unless told otherwise
    training: Training = Training()
    retraining: Retraining = Never()  # assumption: as most models are kept

    @field_validator("drift")
    @classmethod
    def _falls(cls, value: Drift, info: ValidationInfo) -> Drift:
        quality = info.data.get("quality")
        if isinstance(value, ExponentialDrift) and quality is not None and value.floor > quality:
            raise ValueError(
                f"its floor, {_percent(value.floor)}, lies above the fresh model's quality, {_percent(quality)}, and "
                f"drift makes nothing better. Type a floor of at most {_percent(quality)}."
            )
        return value

    @field_validator("retraining")
    @classmethod
    def _can_fire_and_rest(cls, value: Retraining, info: ValidationInfo) -> Retraining:
        quality, monitor, training = (info.data.get(name) for name in ("quality", "monitor", "training"))
        if isinstance(value, Periodic) and training is not None:
            least_s = training.duration_s + training.approval_s
            if value.period_s < least_s:
                raise ValueError(
                    f"its period, {span_text(value.period_s)}, is shorter than a training with its approval, "
                    f"{span_text(least_s)}. Type a longer period, or a shorter duration or approval."
                )
        if isinstance(value, Threshold) and isinstance(monitor, NoMonitor):
            raise ValueError(
                "a threshold can never fire without labels. Type monitor: {kind: labels}, or retraining: "
                "{kind: periodic, period: 30 d}."
            )
        if isinstance(value, Threshold) and isinstance(monitor, LabelMonitor) and value.min_labels > monitor.window:
            raise ValueError(
                f"a threshold that waits for {value.min_labels:,} labels can never fire, since the monitor keeps "
                f"{monitor.window:,}. Type min_labels: {monitor.window} or fewer, or a larger monitor.window."
            )
        if isinstance(value, Threshold) and quality is not None and value.below >= quality:
            raise ValueError(
                f"a threshold of {_percent(value.below)} would retrain for ever, since a fresh model reaches "
                f"{_percent(quality)}. Type a threshold below that."
            )
        return value


Learning = Annotated[NoLearning | ModelLearning, Field(discriminator="kind")]


def _percent(share: float) -> str:
    return str(format_quantity(share, SHARE, ("%",)))
