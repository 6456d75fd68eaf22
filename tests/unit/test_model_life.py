"""The life of a model on a clock: what is true, what is seen, what is decided, when it is deployed, what is counted."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from sim.clock.calendar import NS_PER_DAY
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.model.life import ModelLife
from sim.model.parameters import (
    ExponentialDrift,
    LabelMonitor,
    Learning,
    LinearDrift,
    ModelLearning,
    NoDrift,
    NoLearning,
    StepDrift,
    Training,
)
from sim.policy.retraining import Never, Periodic, Threshold
from sim.streams import Streams

DAY_S = 86_400.0
LINEAR = LinearDrift(loss=0.10, over_s=100 * DAY_S)
QUICK = Training(duration_s=1.0, approval_s=0.0)


class Stage:
    """A clock, a model's life on it, and answers at a constant rate."""

    def __init__(self, learning: Learning, horizon_d: float = 400, per_day: int = 100_000, seed: int = 1) -> None:
        self.clock = Clock()
        self.events: list[tuple[float, str, str, float, float]] = []
        self.deploys = 0
        self.life = ModelLife(
            self.clock, "main", learning, lambda: self.clock.now * per_day // NS_PER_DAY, Streams(seed), self._event,
            self._deployed, round(horizon_d * NS_PER_DAY),
        )  # fmt: skip
        self.life.begin()

    def _event(self, kind: str, subject: str, detail: str, before: float, after: float) -> None:
        assert subject == "main"
        self.events.append((self.clock.now / NS_PER_DAY, kind, detail, before, after))

    def _deployed(self) -> None:
        self.deploys += 1

    def play(self, until_d: float, rank: Rank = Rank.CLOSE) -> None:
        """To (not through) the events of this day and rank."""
        self.clock.play(lambda t, r: True, self.clock.at(round(until_d * NS_PER_DAY), rank))

    def days(self, kind: str) -> list[float]:
        return [at for at, of, *_ in self.events if of == kind]

    def daily(self, until: int, look: Callable[[], Any]) -> list[Any]:
        found = []
        for day in range(1, until + 1):
            self.play(day)
            found.append(look())
        return found


def model(**given: Any) -> ModelLearning:
    return ModelLearning(**{"quality": 0.92, "drift": LINEAR, "training": QUICK, **given})


# --- S-10: without retraining the quality has the shape that was configured


@pytest.mark.parametrize(
    ("drift", "shape"),
    [
        (NoDrift(), lambda d: 0.92),
        (LINEAR, lambda d: 0.92 - 0.001 * d),
        (ExponentialDrift(floor=0.7, time_constant_s=60 * DAY_S), lambda d: 0.7 + 0.22 * math.exp(-d / 60)),
    ],
)
def test_never_retrained_the_quality_has_the_configured_shape(drift, shape) -> None:
    stage = Stage(model(drift=drift, retraining=Never()))
    seen = stage.daily(300, stage.life.quality_now)
    assert seen == pytest.approx([shape(day) for day in range(1, 301)], abs=1e-12)
    assert stage.events == []


def test_steps_cost_on_average_what_they_should() -> None:
    # the number of shocks in 300 days at one in 90 is Poisson(10/3): the mean of 400 lives lies within 3.29 standard
    # errors (99.9 %)
    drift = StepDrift(loss=0.01, every_s=90 * DAY_S)
    losses = []
    for seed in range(400):
        stage = Stage(model(drift=drift), seed=seed)
        stage.play(300)
        losses.append((0.92 - stage.life.quality_now()) / 0.01)
    mean = 300 / 90
    assert sum(losses) / 400 == pytest.approx(mean, abs=3.29 * math.sqrt(mean / 400))


def test_retraining_moves_no_shock() -> None:
    drift = StepDrift(loss=0.05, every_s=60 * DAY_S)
    frozen = Stage(model(drift=drift))
    renewed = Stage(model(drift=drift, retraining=Periodic(period_s=7 * DAY_S)))
    falls = [
        [day for day, (a, b) in enumerate(pairwise(seen), 2) if b < a - 1e-9]
        for seen in (stage.daily(400, stage.life.quality_now) for stage in (frozen, renewed))
    ]
    assert len(falls[0]) >= 3
    # a fall within the day of a deploy cannot be seen in the renewed model
    assert set(falls[1]) <= set(falls[0])
    assert {day for day in falls[0] if day % 7 not in (0, 1)} <= set(falls[1])


# --- the monitor


def test_without_a_monitor_nothing_is_ever_seen() -> None:
    stage = Stage(model(drift=LinearDrift(loss=0.9, over_s=50 * DAY_S)))
    stage.play(400)
    assert stage.life.quality_now() < 0.05
    assert math.isnan(stage.life.seen)
    assert stage.life.labels == 0
    assert stage.events == []
    assert stage.clock.peek() == math.inf  # and nothing was scheduled


def test_a_label_is_seen_after_its_delay_and_not_before() -> None:
    stage = Stage(model(monitor=LabelMonitor(delay_s=7 * DAY_S)))
    seen = stage.daily(10, lambda: stage.life.seen_labels)
    # answers of the first day are sampled at its end, and seen 7 days later
    assert seen[:8] == [0] * 8
    assert 850 < seen[8] <= 1000  # Binomial(100,000, 1 %): 5 standard deviations are 157
    assert stage.life.labels > 8 * 850


def test_the_estimate_lies_within_its_binomial_interval_of_the_delayed_truth() -> None:
    # 1,000 labels a day: an estimate on day t is made of answers given over (about) the day that ended at t - 7
    stage = Stage(model(monitor=LabelMonitor(share=0.02, delay_s=7 * DAY_S)), horizon_d=330)
    misses = shown = 0
    for day in range(9, 320, 2):  # every other day: the windows share no labels
        stage.play(day, Rank.CLOSE)
        stage.clock.play(lambda t, r: True, stage.clock.at(day * NS_PER_DAY, Rank.REVIEW, 9))
        truth = stage.life.quality_mean((day - 8) * NS_PER_DAY, (day - 7) * NS_PER_DAY)
        half = 1.96 * math.sqrt(truth * (1 - truth) / stage.life.seen_labels)
        assert stage.life.seen_labels == 1000
        misses += abs(stage.life.seen - truth) > half
        shown += 1
    # 5 % of them miss: at most 3.29 standard deviations more
    assert misses / shown <= 0.05 + 3.29 * math.sqrt(0.05 * 0.95 / shown)


def test_a_window_of_more_than_a_day_holds_the_newest_labels() -> None:
    # 100 labels a day in expectation, a window of 1,000: about the last 10 days' answers, 7 days ago
    stage = Stage(model(monitor=LabelMonitor(delay_s=7 * DAY_S), drift=NoDrift()), per_day=10_000)
    stage.play(100.5)
    assert stage.life.seen_labels == 1000
    assert stage.life.seen == pytest.approx(0.92, abs=3.29 * math.sqrt(0.92 * 0.08 / 1000))


def test_labels_of_an_old_model_do_not_count_for_the_new_one() -> None:
    # the old model is right in half of its answers, the new one nearly always; labels take ten days
    drift = LinearDrift(loss=0.46, over_s=20 * DAY_S)
    stage = Stage(
        model(drift=drift, monitor=LabelMonitor(delay_s=10 * DAY_S), retraining=Periodic(period_s=20.5 * DAY_S))
    )
    stage.play(20.4)
    assert stage.life.seen < 0.85
    stage.play(21)
    assert stage.days("model_deployed") == pytest.approx([20.5], abs=1e-4)
    assert math.isnan(stage.life.seen)
    stage.play(30.9)  # old answers' labels are still coming in
    assert math.isnan(stage.life.seen)
    stage.play(31.1)  # the half day after the deploy was sampled on day 21
    assert stage.life.seen > 0.9


def test_no_answers_no_labels() -> None:
    stage = Stage(model(monitor=LabelMonitor()), per_day=0)
    stage.play(100)
    assert stage.life.labels == 0
    assert math.isnan(stage.life.seen)


def test_the_labels_drawn_on_a_day_depend_on_no_other_draw() -> None:
    # given the same answers, with and without retraining: the numbers of labels bought agree day by day
    monitor = LabelMonitor(delay_s=0.0)
    frozen = Stage(model(monitor=monitor))
    renewed = Stage(model(monitor=monitor, retraining=Periodic(period_s=10.5 * DAY_S)))
    bought = [stage.daily(60, lambda life=stage.life: life.labels) for stage in (frozen, renewed)]
    gains = [[b - a for a, b in pairwise(one)] for one in bought]
    differing = [day for day, (a, b) in enumerate(zip(*gains, strict=True), 2) if a != b]
    # a deploy cuts a day's sample in two, which is looked at on the mornings after
    cut = {int(10.5 * k) + later for k in range(1, 6) for later in (1, 2)}
    assert differing
    assert set(differing) <= cut


# --- retraining


def test_periodic_trainings_start_and_are_deployed_on_time() -> None:
    training = Training(duration_s=2 * DAY_S, approval_s=1 * DAY_S)
    stage = Stage(model(training=training, retraining=Periodic(period_s=30 * DAY_S)), horizon_d=100)
    stage.play(100)
    assert stage.days("retraining_decided") == [30, 60, 90]
    assert stage.days("training_started") == [30, 60, 90]
    assert stage.days("model_deployed") == [33, 63, 93]
    assert stage.deploys == stage.life.jobs == 3
    _, _, detail, before, after = next(e for e in stage.events if e[1] == "model_deployed")
    assert detail == "data 3 d old"
    assert (before, after) == pytest.approx((0.92 - 0.033, 0.92 - 0.003))
    assert stage.events[0][2] == "period of 30 d over"


def test_training_time_counts_while_machines_run_and_not_while_approval_is_awaited() -> None:
    training = Training(duration_s=2 * DAY_S, approval_s=1 * DAY_S)
    stage = Stage(model(training=training, retraining=Periodic(period_s=30 * DAY_S)))
    spent = {day: stage.play(day) or stage.life.training_ns(stage.clock.now) / NS_PER_DAY for day in (29, 31, 33, 61)}
    assert spent == {29: 0, 31: 1, 33: 2, 61: 3}
    assert stage.life.jobs == 2


def test_a_threshold_fires_when_enough_labels_lie_below_it() -> None:
    # quality reaches 85 % on day 70; labels show it a week later, chance some days around
    stage = Stage(
        model(monitor=LabelMonitor(share=0.2), retraining=Threshold(below=0.85), training=QUICK), horizon_d=120
    )
    stage.play(120)
    (day,) = stage.days("retraining_decided")
    # an estimate of 1,000 labels has a standard error of 1.1 points, 11 days of drift; the first of many fires early
    assert 50 < day < 90
    reason = stage.events[0][2]
    assert reason.startswith("estimate 84.")
    assert reason.endswith("% < 85 % (1,000 labels)")
    assert stage.life.quality_now() > 0.85


def test_after_a_deploy_a_threshold_waits_for_the_new_models_labels() -> None:
    # a model that falls at once below the threshold is retrained about every label delay plus cooldown, not every day
    drift = LinearDrift(loss=0.9, over_s=10 * DAY_S)
    stage = Stage(
        model(drift=drift, monitor=LabelMonitor(), retraining=Threshold(below=0.85, cooldown_s=14 * DAY_S)),
        horizon_d=100,
    )
    stage.play(100)
    decided = stage.days("retraining_decided")
    assert decided[0] == 9  # the second day's answers: 78.5 % right
    assert all(b - a >= 14 for a, b in pairwise(decided))
    assert len(decided) == 7  # days 9, 23, 37, ...


def test_quality_over_an_interval_is_exact_across_deploys() -> None:
    training = Training(duration_s=2 * DAY_S, approval_s=1 * DAY_S)
    stage = Stage(model(training=training, retraining=Periodic(period_s=30 * DAY_S)))
    stage.play(100)
    # days 20 to 40: ages 20 to 33, then 3 to 10
    expected = 0.92 - 0.001 * ((20 + 33) / 2 * 13 + (3 + 10) / 2 * 7) / 20
    assert stage.life.quality_mean(20 * NS_PER_DAY, 40 * NS_PER_DAY) == pytest.approx(expected, rel=1e-12)
    # and an older interval can still be asked for
    assert stage.life.quality_mean(0, 20 * NS_PER_DAY) == pytest.approx(0.91, rel=1e-12)


def test_a_deploy_comes_before_the_phase_and_the_arrivals_of_its_instant() -> None:
    stage = Stage(model(training=Training(duration_s=DAY_S, approval_s=0.0), retraining=Periodic(period_s=10 * DAY_S)))
    seen: list[float] = []
    stage.clock.call_at(11 * NS_PER_DAY, Rank.FAILURE, lambda: seen.append(stage.life.quality_now()))
    stage.clock.call_at(11 * NS_PER_DAY, Rank.PHASE, lambda: seen.append(stage.life.quality_now()))
    stage.play(12)
    assert seen == pytest.approx([0.92 - 0.011, 0.92 - 0.001])


# --- phases


def test_a_change_keeps_the_age_and_what_did_not_change_goes_on() -> None:
    first = model(retraining=Periodic(period_s=30 * DAY_S))
    stage = Stage(first)
    stage.play(20)
    stage.life.change(first.model_copy(update={"drift": LinearDrift(loss=0.10, over_s=50 * DAY_S)}))
    assert stage.life.quality_now() == pytest.approx(0.92 - 0.04)
    stage.play(31)
    assert stage.days("training_started") == [30]
    assert stage.life.quality_mean(10 * NS_PER_DAY, 20 * NS_PER_DAY) == pytest.approx(0.905)


def test_a_new_period_counts_from_the_change() -> None:
    first = model(retraining=Periodic(period_s=30 * DAY_S))
    stage = Stage(first)
    stage.play(20)
    stage.life.change(first.model_copy(update={"retraining": Periodic(period_s=15 * DAY_S)}))
    stage.play(70)
    assert stage.days("training_started") == [35, 50, 65]


def test_a_phase_may_bring_the_first_model_and_take_it_away() -> None:
    training = Training(duration_s=2 * DAY_S, approval_s=1 * DAY_S)
    stage = Stage(NoLearning())
    stage.play(50)
    assert math.isnan(stage.life.quality_now())
    assert math.isnan(stage.life.fresh)
    learning = model(training=training, monitor=LabelMonitor(), retraining=Periodic(period_s=30 * DAY_S))
    stage.life.change(learning)
    assert stage.life.quality_now() == 0.92
    assert stage.life.fresh == 0.92
    stage.play(81)  # a training has run for one of its two days
    labels = stage.life.labels
    stage.life.change(NoLearning())
    stage.play(200)
    assert stage.days("model_deployed") == []
    assert stage.life.training_ns(stage.clock.now) == NS_PER_DAY
    assert stage.life.labels - labels < 2000  # those of the last, open interval at most
    assert math.isnan(stage.life.seen)
    assert math.isnan(stage.life.quality_now())


def test_settling_takes_the_labels_of_the_open_interval() -> None:
    stage = Stage(model(monitor=LabelMonitor(every_s=10 * DAY_S)))
    stage.play(25)
    before = stage.life.labels
    stage.life.settle()
    gained = stage.life.labels - before
    assert gained == pytest.approx(5000, abs=5 * math.sqrt(5000))
    stage.life.settle()
    assert stage.life.labels == before + gained


def test_two_runs_are_the_same_to_the_last_digit() -> None:
    def told() -> list[Any]:
        stage = Stage(model(monitor=LabelMonitor(), retraining=Threshold(below=0.88)))
        return [stage.daily(300, lambda: repr((stage.life.seen, stage.life.labels))), repr(stage.events)]

    assert told() == told()
