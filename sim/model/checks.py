"""What is wrong with a model's life once the scenario's length is known, and what is only remarkable."""

from collections.abc import Iterator

from sim.config.units import span_text
from sim.model.parameters import ExponentialDrift, LabelMonitor, Learning, ModelLearning, NoDrift
from sim.policy.retraining import Never, Periodic, Threshold

Path = tuple[str, ...]


def learning_problems(learning: Learning, horizon_s: float) -> Iterator[tuple[Path, object, str]]:
    """Labels that would come in after the scenario's end: (path below the node, value as typed, message)."""
    if not isinstance(learning, ModelLearning) or not isinstance(learning.monitor, LabelMonitor):
        return
    monitor = learning.monitor
    typed = monitor.model_dump(mode="json", by_alias=True)
    if monitor.every_s >= horizon_s:
        yield (
            ("monitor", "every"), typed["every"],
            f"no answer is ever sampled, since the scenario lasts {span_text(horizon_s)}. Type a shorter interval, or "
            "leave the model's life out: learning=none.",
        )  # fmt: skip
    elif monitor.delay_s >= horizon_s - monitor.every_s:
        yield (
            ("monitor", "delay"), typed["delay"],
            f"no label is ever seen: the first sample is drawn after {span_text(monitor.every_s)}, and the scenario "
            f"lasts {span_text(horizon_s)}. Type a shorter delay, less than "
            f"{span_text(horizon_s - monitor.every_s, exact=True)}, or leave the model's life out: learning=none.",
        )  # fmt: skip


def learning_remarks(learning: Learning, horizon_s: float) -> Iterator[str]:
    """What is no error and may surprise, a sentence each."""
    if not isinstance(learning, ModelLearning) or isinstance(learning.retraining, Never):
        return
    training, retraining, drift = learning.training, learning.retraining, learning.drift
    new_model_s = training.duration_s + training.approval_s
    first_s = retraining.period_s if isinstance(retraining, Periodic) else 0.0
    if first_s >= horizon_s:
        yield f"no retraining falls due: its period, {span_text(first_s)}, is as long as the scenario or longer."
    elif first_s + new_model_s >= horizon_s:
        yield (
            f"no retrained model is ever deployed: the first comes after {span_text(first_s + new_model_s)} at the "
            f"earliest, and the scenario lasts {span_text(horizon_s)}."
        )
    if isinstance(drift, NoDrift):
        yield "quality never falls (drift: none), so that retraining costs money and changes nothing."
    elif isinstance(retraining, Threshold) and isinstance(drift, ExponentialDrift) and drift.floor >= retraining.below:
        yield (
            f"quality never falls below {100 * drift.floor:.4g} % (drift.floor), so that the threshold of "
            f"{100 * retraining.below:.4g} % is crossed by chance alone."
        )
