"""The life of one workload's model: it ages, labels tell of it, a policy asks for a new one, a job makes it.

A SimPy part of the world. What is true (`quality_now`) and what is seen (`seen`) are kept apart: policies get the
latter alone.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import simpy

from sim.clock.calendar import NS_PER_DAY, to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.model.drift import Shocks, mean_quality, quality
from sim.model.labels import Batch, LabelWindow, draw
from sim.model.parameters import LabelMonitor, Learning, ModelLearning, NoLearning, NoMonitor, Training
from sim.model.trainings import Job, Trained, Trainings
from sim.policy.retraining import Observation
from sim.streams import Streams

Process = Generator[simpy.Event, Any, None]
Event = Callable[[str, str, str, float, float], None]
"""Remember an event: kind, subject, detail, before, after."""


class _Piece(NamedTuple):
    """From `start_ns` on a model with data until `cut_ns` serves, under these parameters."""

    start_ns: int
    cut_ns: int
    learning: Learning


class ModelLife:
    """True and seen quality of a workload's answers, its trainings and its labels.

    The data of a model reach until its training starts. Labels count for the model that gave the answers: at a deploy
    the answers since the last sample are sampled as the old model's, the estimate begins anew, and labels of older
    models that come in later are paid and not looked at. Until the new model's first labels nothing is seen.

    seen: share of right answers among the newest labels, NaN while there are none; labels: bought so far.
    """

    def __init__(
        self, clock: Clock, name: str, learning: Learning, answered: Callable[[], int], streams: Streams, event: Event,
        on_deploy: Callable[[], None], horizon_ns: int, sub: int = 0,
    ) -> None:  # fmt: skip
        """answered: requests answered so far, cached ones too; event: the event log's; on_deploy: called at each deploy
        (caches forget); sub: the workload's place in the order of simultaneous events.
        """
        self.labels = 0
        self._clock, self._name, self._learning = clock, name, learning
        self._answered, self._streams, self._event, self._on_deploy = answered, streams, event, on_deploy
        self._horizon_ns, self._sub = horizon_ns, sub
        self._pieces: list[_Piece] = []
        self._shocks = Shocks(streams.generator(f"drift/{name}"), horizon_ns)
        self._window = LabelWindow()
        self._version = 0  # of the serving model
        self._round, self._wake_round = 0, 0  # of monitor and policy: an older one's processes end
        self._answered_before, self._sampled_ns = 0, 0
        self._state: Any = None
        self._job: Job | None = None  # running, or trained and awaiting its deploy
        self._trainings = Trainings()

    def begin(self) -> None:
        """A fresh model serves from now on; the processes of its monitor and its policy start."""
        now = self._clock.now
        self._pieces.append(_Piece(now, now, self._learning))
        self._answered_before, self._sampled_ns = self._answered(), now
        if isinstance(self._learning, ModelLearning):
            self._shocks.steer(now, self._learning.drift)
            self._watch()
            self._decide_anew()

    def change(self, learning: Learning) -> None:
        """Other parameters from now on, such as a new phase has. The model's age goes on, and so does a training.

        Where there was never a model before, a fresh one begins; where nobody asks for one from now on, it ages all
        the same, and a training is broken off.
        A monitor or a policy whose parameters stay goes on as it was; a new monitor has no labels yet.
        """
        old, now = self._learning, self._clock.now
        if learning == old:
            return
        self.settle()
        known = any(isinstance(piece.learning, ModelLearning) for piece in self._pieces)
        cut_ns = self._pieces[-1].cut_ns if known else now
        self._learning = learning
        self._pieces.append(_Piece(now, cut_ns, learning))
        if isinstance(learning, NoLearning):
            self._abandon(now)
            return
        if isinstance(old, NoLearning) or old.drift != learning.drift:
            self._shocks.steer(now, learning.drift)
        if isinstance(old, NoLearning) or old.monitor != learning.monitor:
            self._watch()
        if isinstance(old, NoLearning) or old.retraining != learning.retraining:
            self._decide_anew()

    def replace(self) -> None:
        """Another model serves from now on, made in the meantime, its data as new as they can be: a rented one by one's
        own, say. What makes it is not a training of this life, and is paid as development; a training that runs is in
        vain.
        """
        if isinstance(self._learning, ModelLearning):
            self._deploy(self._clock.now, "model_replaced", "another model")

    def settle(self) -> None:
        """Sample the answers since the last sample now: before books close on the present parameters."""
        learning = self._learning
        if isinstance(learning, ModelLearning) and isinstance(learning.monitor, LabelMonitor):
            self._sample(learning.monitor)

    # --- what is measured

    @property
    def fresh(self) -> float:
        """Quality of a model of age 0 (share); NaN without a model."""
        return self._learning.quality if isinstance(self._learning, ModelLearning) else math.nan

    @property
    def seen(self) -> float:
        """The newest estimate of quality (share); NaN while there is none."""
        estimate = self._window.estimate
        return math.nan if estimate is None else estimate

    @property
    def seen_labels(self) -> int:
        """How many labels the newest estimate is made of."""
        return self._window.labels

    def quality_now(self) -> float:
        """True share of right answers at this moment; NaN without a model."""
        return self._quality(self._clock.now)

    def quality_mean(self, from_ns: int, to_ns: int) -> float:
        """Exact time mean of the true quality over an interval since `begin`, across deploys; NaN without a model.

        Any interval, in any order: one piece is kept for each deploy and each change, no more than the event log keeps.
        """
        if from_ns == to_ns:
            return self._quality(to_ns)
        area, i = 0.0, self._piece_at(from_ns)
        while i < len(self._pieces) and self._pieces[i].start_ns < to_ns:
            begin = max(from_ns, self._pieces[i].start_ns)
            end = min(to_ns, self._pieces[i + 1].start_ns) if i + 1 < len(self._pieces) else to_ns
            if end > begin:
                area += self._mean_of(self._pieces[i], begin, end) * (end - begin)
            i += 1
        return area / (to_ns - from_ns)

    @property
    def jobs(self) -> int:
        """Trainings started so far; the first model's, before the scenario, is not among them."""
        return sum(trained.jobs for trained in self.trained(self._clock.now).values())

    def training_ns(self, now_ns: int) -> int:
        """Nanoseconds that trainings have run by now, whatever the number of their machines."""
        return sum(trained.time_ns for trained in self.trained(now_ns).values())

    def trained(self, now_ns: int) -> dict[Training, Trained]:
        """Trainings so far by the terms of their start, on which books bill them; no later phase changes those."""
        return self._trainings.so_far(now_ns)

    def _piece_at(self, t_ns: int) -> int:
        return max(0, bisect_right(self._pieces, t_ns, key=lambda piece: piece.start_ns) - 1)

    def _quality(self, t_ns: int) -> float:
        piece = self._pieces[self._piece_at(t_ns)]
        if isinstance(piece.learning, NoLearning):
            return math.nan
        return quality(piece.learning.drift, piece.learning.quality, piece.cut_ns, t_ns, self._shocks.times_ns)

    def _mean_of(self, piece: _Piece, from_ns: int, to_ns: int) -> float:
        if isinstance(piece.learning, NoLearning):
            return math.nan
        drift, fresh = piece.learning.drift, piece.learning.quality
        return mean_quality(drift, fresh, piece.cut_ns, from_ns, to_ns, self._shocks.times_ns)

    # --- labels

    def _watch(self) -> None:
        """The present monitor begins; what an older one saw is forgotten."""
        self._round += 1
        self._window.clear()
        self._answered_before, self._sampled_ns = self._answered(), self._clock.now
        assert isinstance(self._learning, ModelLearning)
        if not isinstance(self._learning.monitor, NoMonitor):
            self._clock.process(self._sampling(self._learning.monitor, self._round))

    def _sampling(self, monitor: LabelMonitor, turn: int) -> Process:
        """A sample at the end of every interval."""
        every_ns, now = to_ns(monitor.every_s), self._clock.now
        for t_ns in range(now + every_ns, self._horizon_ns + 1, every_ns):
            yield self._clock.at(t_ns, Rank.REVIEW, self._sub)
            if turn != self._round:
                return
            self._sample(monitor)

    def _sample(self, monitor: LabelMonitor) -> None:
        """Labels for a share of the answers since the last sample; they come in after their delay.

        The stream is named after the moment, so that no earlier sample, and no deploy, moves its draws.
        """
        now, answered = self._clock.now, self._answered()
        fresh_answers, since_ns = answered - self._answered_before, self._sampled_ns
        self._answered_before, self._sampled_ns = answered, now
        if fresh_answers <= 0:
            return
        generator = self._streams.generator(f"labels/{self._name}/{now}")
        mean = self.quality_mean(since_ns, now)
        bought, batch = draw(monitor, self._version, fresh_answers, mean, generator)
        self.labels += bought
        seen_ns, turn = now + to_ns(monitor.delay_s), self._round
        if batch.labels and seen_ns <= self._horizon_ns:
            self._clock.call_at(seen_ns, Rank.REVIEW, lambda: self._deliver(batch, monitor.window, turn), self._sub)

    def _deliver(self, batch: Batch, most: int, turn: int) -> None:
        """Labels come in. They count if their model still serves, and the monitor that asked for them is there."""
        if batch.version == self._version and turn == self._round:
            self._window.add(batch, most)
            self._ask()

    # --- retraining

    def _decide_anew(self) -> None:
        """The present policy begins."""
        self._wake_round += 1
        assert isinstance(self._learning, ModelLearning)
        self._state = self._learning.retraining.begin(self._clock.now)
        if self._learning.retraining.wake_ns(self._state) is not None:
            self._clock.process(self._waking(self._wake_round))

    def _waking(self, turn: int) -> Process:
        """The policy is asked at the moments that it names itself."""
        while isinstance(self._learning, ModelLearning):
            wake_ns = self._learning.retraining.wake_ns(self._state)
            if wake_ns is None or wake_ns > self._horizon_ns:
                return
            yield self._clock.at(max(wake_ns, self._clock.now), Rank.REVIEW, self._sub)
            if turn != self._wake_round:
                return
            self._ask()

    def _ask(self) -> None:
        learning = self._learning
        assert isinstance(learning, ModelLearning)
        observation = Observation(self._window.estimate, self._window.labels, self._job is not None)
        policy: Any = learning.retraining
        decision, self._state = policy.decide(observation, self._state, self._clock.now)
        if decision.retrain and self._job is None:
            self._event("retraining_decided", self._name, decision.reason, 0.0, 1.0)
            self._clock.process(self._train(learning.training))

    def _train(self, training: Training) -> Process:
        """The data end now; machines run; somebody approves; the new model serves."""
        now = self._clock.now
        self._job = job = self._trainings.start(now, training)
        quality_now = self._quality(now)
        self._event("training_started", self._name, f"{training.machines} machines", quality_now, quality_now)
        yield self._clock.at(now + job.duration_ns + to_ns(training.approval_s), Rank.DEPLOY, self._sub)
        if self._job is job:
            age_d = (self._clock.now - job.start_ns) / NS_PER_DAY
            self._deploy(job.start_ns, "model_deployed", f"data {age_d:.3g} d old")

    def _deploy(self, cut_ns: int, kind: str, detail: str) -> None:
        now, before = self._clock.now, self.quality_now()
        self.settle()
        self._job = None
        self._version += 1
        self._window.clear()
        self._pieces.append(_Piece(now, cut_ns, self._learning))
        self._event(kind, self._name, detail, before, self.quality_now())
        self._on_deploy()

    def _abandon(self, now: int) -> None:
        """No model any more: a running training ends, and nobody waits for labels."""
        self._round += 1
        self._wake_round += 1
        self._version += 1
        self._window.clear()
        if self._job is not None:
            self._trainings.break_off(self._job, now)
            self._job = None
