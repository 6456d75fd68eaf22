"""Retraining policies alone: pure functions of what the labels say."""

import math

from sim.clock.calendar import NS_PER_DAY
from sim.policy.retraining import Never, Observation, Periodic, Threshold

DAY_S = 86_400.0


def saw(estimate: float | None, labels: int = 1000, training: bool = False) -> Observation:
    return Observation(estimate, labels, training)


def test_never_says_no_whatever_it_sees() -> None:
    policy = Never()
    state = policy.begin(0)
    assert policy.wake_ns(state) is None
    assert not policy.decide(saw(0.0), state, NS_PER_DAY)[0].retrain


def test_periodic_says_yes_once_a_period() -> None:
    policy = Periodic(period_s=10 * DAY_S)
    state = policy.begin(5 * NS_PER_DAY)
    assert policy.wake_ns(state) == 15 * NS_PER_DAY
    early, state = policy.decide(saw(0.1), state, 14 * NS_PER_DAY)
    assert not early.retrain
    due, state = policy.decide(saw(None, 0), state, 15 * NS_PER_DAY)
    assert due == (True, "period of 10 d over")
    again, state = policy.decide(saw(None, 0), state, 15 * NS_PER_DAY)
    assert not again.retrain
    assert policy.wake_ns(state) == 25 * NS_PER_DAY


def test_periodic_leaves_out_what_falls_due_while_a_training_runs_or_was_missed() -> None:
    policy = Periodic(period_s=10 * DAY_S)
    state = policy.begin(0)
    busy, state = policy.decide(saw(None, 0, training=True), state, 10 * NS_PER_DAY)
    assert busy == (False, "a training still runs")
    assert policy.wake_ns(state) == 20 * NS_PER_DAY
    late, state = policy.decide(saw(None, 0), state, 47 * NS_PER_DAY)
    assert late.retrain
    assert policy.wake_ns(state) == 50 * NS_PER_DAY


def test_threshold_needs_labels_below_it_and_no_training() -> None:
    policy = Threshold(below=0.85, cooldown_s=14 * DAY_S)
    state = policy.begin(0)
    for observation, reason in (
        (saw(None, 0), "0 labels of at least 100"),
        (saw(0.5, 99), "99 labels of at least 100"),
        (saw(0.85), "estimate 85 % >= 85 %"),
        (saw(0.5, training=True), "estimate 50 %, a training still runs"),
    ):
        decision, state = policy.decide(observation, state, NS_PER_DAY)
        assert decision == (False, reason)
    decision, state = policy.decide(saw(0.8412), state, NS_PER_DAY)
    assert decision == (True, "estimate 84.12 % < 85 % (1,000 labels)")


def test_threshold_rests_after_a_decision() -> None:
    policy = Threshold(below=0.85, cooldown_s=14 * DAY_S)
    _, state = policy.decide(saw(0.5), policy.begin(0), NS_PER_DAY)
    resting, state = policy.decide(saw(0.5), state, 15 * NS_PER_DAY - 1)
    assert resting == (False, "estimate 50 %, cooling down")
    again, _ = policy.decide(saw(0.5), state, 15 * NS_PER_DAY)
    assert again.retrain


def test_asking_changes_nothing_but_the_state_that_is_given_back() -> None:
    policy = Threshold(below=0.85)
    state = policy.begin(0)
    first = policy.decide(saw(0.5), state, NS_PER_DAY)
    assert policy.decide(saw(0.5), state, NS_PER_DAY) == first
    assert math.isclose(policy.below, 0.85)
