"""The scaling loop around a fake data plane: wake-ups, latencies, jitter and restarts."""

import math
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.fleet.answers import Answers
from sim.fleet.fleet import Fleet
from sim.fleet.pace import NEVER, Pace
from sim.fleet.parameters import Control, Machine, Model, Scrape
from sim.fleet.scaling import ScalingLoop, Terms
from sim.policy import Decision, Observation, Setting
from sim.policy.autoscaling import Plugin
from sim.record.histogram import BUCKETS, RELATIVE_ERROR, bucket_of
from sim.record.scrape import ARRIVED, SHARED_QUEUED
from sim.streams import Streams

S = 1_000_000_000


class FakePlane:
    """Requests wait in one shared queue for ever; arming is remembered."""

    def __init__(self) -> None:
        self.queued = self.arrived = 0
        self.armed: list[bool] = []

    def ready(self, slot: int) -> None:
        pass

    def drain(self, slot: int) -> bool:
        return True

    def scrape(self, row: int, sample: Any) -> None:
        sample[-1, SHARED_QUEUED], sample[-1, ARRIVED] = self.queued, self.arrived

    def look_ahead(self, row: int, first_ns: int, interval_ns: int, samples: Any) -> bool:
        return False

    def go_back(self, t_ns: int) -> None:
        raise AssertionError("nothing was looked ahead")

    def arm(self, row: int, on: bool) -> None:
        self.armed.append(on)


class Memory(NamedTuple):
    begun_ns: int
    asked: int = 0


@dataclass
class Watcher:
    """Asks for one replica when anybody waits, for none otherwise; remembers when it began."""

    wanted: int | None = None
    seen: list[tuple[int, Observation, Memory]] = field(default_factory=list)
    latency_quantile: float | None = None
    wakes: bool = True
    informed: bool = False
    sync_period_s: float | None = 10.0
    min_replicas: int = 0
    max_replicas: int = 3
    initial_replicas: int = 0

    def begin(self, now_ns: int, setting: Setting) -> Memory:
        return Memory(now_ns)

    def decide(self, observation: Observation, state: Memory, now_ns: int) -> tuple[Decision, Memory]:
        self.seen.append((now_ns, observation, state))
        wanted = int(observation.queued_shared > 0) if self.wanted is None else self.wanted
        return Decision(wanted, "Asked"), state._replace(asked=state.asked + 1)


@dataclass
class Bench:
    """A clock, a fake plane, a fleet whose replicas take 5 s to boot, and a loop."""

    clock: Clock = field(default_factory=Clock)
    plane: FakePlane = field(default_factory=FakePlane)
    events: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        machine = Machine(
            name="m", accelerator="a", price_usd_per_h=1, memory_bytes=2, provisioning_s=5, billing_increment_s=0,
            billing_minimum_s=0, source="test",
        )  # fmt: skip
        model = Model(name="m", memory_bytes=1, load_s=0)
        self.fleet = Fleet(
            self.clock, self.plane, "main", 0, 8, machine, model,
            lambda *event: self.events.append((self.clock.now, *event)), count(1),
        )  # fmt: skip
        streams = Streams(7)
        self.loop = ScalingLoop(
            self.clock, self.plane, 0, self.fleet, 8, lambda word: streams.generator(f"autoscaler/main{word}")
        )

    def play(self, until_s: float) -> None:
        self.clock.play(lambda t_ns, rank: True, self.clock.at(to_ns(until_s), Rank.REVIEW))

    def ticks_s(self, controller: Watcher) -> list[float]:
        return [at_ns / S for at_ns, _, _ in controller.seen]


SCRAPE = Scrape(interval_s=10.0)


def terms(watcher: Watcher, *others: Any, **given: Any) -> Terms:
    return Terms(Plugin.of(watcher, "watcher"), *others, **given)


def test_a_first_request_at_zero_replicas_is_answered_at_once() -> None:
    bench, controller = Bench(), Watcher()
    bench.loop.hand_over(terms(controller, SCRAPE))
    assert bench.plane.armed == [True]

    def first_request() -> None:
        bench.plane.queued = bench.plane.arrived = 1
        bench.loop.woken()

    bench.clock.call_at(23 * S, Rank.CONTROL, first_request)
    bench.play(25)
    assert bench.ticks_s(controller) == [10, 20, 23]
    seen = controller.seen[-1][1]
    assert (seen.queued_shared, seen.sample_age_s) == (1, 0.0)
    assert seen.window_s == pytest.approx(3.0)  # against the scrape of 20 s
    assert seen.arrived_per_s == pytest.approx(1 / 3)
    scaled = [event for event in bench.events if event[1] == "scale"]
    assert scaled == [(23 * S, "scale", "main", "Asked", 0.0, 1.0)]
    assert bench.plane.armed == [True]  # disarmed itself, and stays so with a replica asked for


def test_a_wake_up_is_no_scrape() -> None:
    woken, left_alone = (Bench(), Watcher(wanted=0)), (Bench(), Watcher(wanted=0))
    for bench, controller in (woken, left_alone):
        bench.loop.hand_over(terms(controller, SCRAPE))

        def arrive(bench: Bench = bench, wake: bool = bench is woken[0]) -> None:
            bench.plane.arrived += 4
            if wake:
                bench.loop.woken()

        bench.clock.call_at(23 * S, Rank.CONTROL, arrive)
        bench.play(45)
    shown = [seen for at_ns, seen, _ in woken[1].seen if at_ns != 23 * S]
    assert [(s.arrived_per_s, s.window_s) for s in shown[1:]] == [
        (s.arrived_per_s, s.window_s) for _, s, _ in left_alone[1].seen[1:]
    ]
    assert woken[0].plane.armed == [True, True]  # nothing was asked for, so the next request is told of too


def test_nobody_is_woken_who_did_not_ask_for_it() -> None:
    bench, controller = Bench(), Watcher(wakes=False)
    bench.loop.hand_over(terms(controller, SCRAPE))
    bench.clock.call_at(3 * S, Rank.CONTROL, bench.loop.woken)
    bench.play(9)
    assert (controller.seen, bench.plane.armed) == ([], [])


def test_a_pool_that_sleeps_sleeps_on_under_other_terms() -> None:
    bench = Bench()
    bench.loop.hand_over(terms(Watcher(initial_replicas=2), SCRAPE))
    bench.clock.call_at(25 * S, Rank.PHASE, lambda: bench.loop.hand_over(terms(Watcher(initial_replicas=3), SCRAPE)))
    bench.play(29)
    assert [event[4:] for event in bench.events if event[1] == "scale"] == [(0.0, 2.0), (2.0, 0.0)]


def test_limits_of_other_terms_are_no_decision_of_a_controller() -> None:
    bench = Bench()
    bench.loop.hand_over(Terms(Watcher(initial_replicas=2, wanted=2), SCRAPE))
    bench.clock.call_at(25 * S, Rank.PHASE, lambda: bench.loop.hand_over(Terms(Watcher(3, min_replicas=3), SCRAPE)))
    bench.clock.call_at(45 * S, Rank.PHASE, lambda: bench.loop.hand_over(Terms(Watcher(1), SCRAPE)))
    bench.play(70)
    assert [event[4:] for event in bench.events if event[1] == "scale"] == [(0.0, 2.0), (2.0, 3.0), (3.0, 1.0)]
    assert bench.fleet.scalings == [("main", 55.0, -2)]


def test_a_pool_that_is_retired_is_disarmed() -> None:
    bench = Bench()
    bench.loop.hand_over(terms(Watcher(), SCRAPE))
    bench.loop.stop()
    bench.loop.woken()
    bench.play(30)
    assert bench.plane.armed == [True, False]


def counts(latencies_s: list[float]) -> np.ndarray:
    histogram = np.zeros(BUCKETS, np.int64)
    for latency_s in latencies_s:
        histogram[bucket_of(to_ns(latency_s))] += 1
    return histogram


def test_a_controller_sees_the_quantile_between_two_scrapes() -> None:
    bench, controller = Bench(), Watcher(latency_quantile=0.5, wanted=1)
    answered = {10: [9.0], 20: [9.0, 1.0, 2.0, 3.0], 30: [9.0, 1.0, 2.0, 3.0], 40: [9.0, 1.0, 2.0, 3.0, 5.0]}
    shown = terms(controller, SCRAPE, answered=lambda: counts(answered[bench.clock.now // S]))
    bench.loop.hand_over(shown)
    bench.play(45)
    first, second, third, fourth = [seen.latency_s for _, seen, _ in controller.seen]
    assert math.isnan(first)  # one scrape is no difference
    assert second == pytest.approx(2.0, rel=RELATIVE_ERROR)
    assert math.isnan(third)  # nobody was answered
    assert fourth == pytest.approx(5.0, rel=RELATIVE_ERROR)


@given(
    st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=60), st.lists(st.floats(1e-3, 1e3), max_size=60),
    st.floats(0.01, 0.99),
)  # fmt: skip
@settings(max_examples=60)
def test_the_quantile_is_that_of_the_answers_in_between(new: list[float], old: list[float], q: float) -> None:
    shown = iter([counts(old), counts(old + new)])
    answers = Answers(lambda: next(shown), q, 10 * S, 0)
    answers.take(10 * S)
    answers.take(20 * S)
    exact = sorted(new)[max(1, math.ceil(q * len(new) - 1e-9)) - 1]
    assert answers.latency_s(20 * S) == pytest.approx(exact, rel=RELATIVE_ERROR + 1e-6)


def test_latencies_obey_the_metric_lag() -> None:
    shown = {10: [], 20: [1.0], 30: [1.0, 4.0]}
    now = {"s": 0}
    answers = Answers(lambda: counts(shown[now["s"]]), 0.5, 10 * S, 10 * S)
    for at_s in shown:
        now["s"] = at_s
        answers.take(at_s * S)
    assert math.isnan(answers.latency_s(29 * S))  # only one scrape is old enough
    assert answers.latency_s(39 * S) == pytest.approx(1.0, rel=RELATIVE_ERROR)
    assert answers.latency_s(40 * S) == pytest.approx(4.0, rel=RELATIVE_ERROR)


def draws(seed: int = 1) -> Any:
    streams = Streams(seed)
    return lambda word: streams.generator(f"autoscaler/main{word}")


def ticks_of(control: Control, n: int = 50, period_s: float = 10.0, seed: int = 1) -> list[float]:
    pace, got = Pace(control, to_ns(period_s), 0, draws(seed)), []
    for _ in range(n):
        got.append(pace.next_ns / S)
        pace.ticked(pace.next_ns)
    return got


def test_without_jitter_ticks_are_at_the_period() -> None:
    assert ticks_of(Control(), 4) == [10, 20, 30, 40]


@given(st.floats(0.0, 300.0), st.floats(0.0, 1.0), st.integers(0, 100))
@settings(max_examples=60)
def test_jitter_is_bounded_and_does_not_add_up(offset_s: float, jitter: float, seed: int) -> None:
    got = ticks_of(Control(offset_s=offset_s, jitter=jitter), seed=seed)
    late = [at_s - 10.0 * (k + 1) for k, at_s in enumerate(got)]
    assert all(-1e-6 <= s <= offset_s + 10.0 * jitter + 1e-6 for s in late)
    assert max(late) - min(late) <= 10.0 * jitter + 1e-6  # the offset was drawn once
    assert got == sorted(got)
    assert got == ticks_of(Control(offset_s=offset_s, jitter=jitter), seed=seed)


def test_two_pools_draw_their_own_offsets() -> None:
    assert ticks_of(Control(offset_s=300.0), 1, seed=1) != ticks_of(Control(offset_s=300.0), 1, seed=2)


def test_a_restart_loses_the_state() -> None:
    bench, controller = Bench(), Watcher(wanted=1)
    bench.loop.hand_over(terms(controller, SCRAPE, Control(restart_at_s=(35.0, 5.0))))
    bench.play(65)
    assert [memory for _, _, memory in controller.seen] == [
        Memory(10 * S, 0), Memory(10 * S, 1), Memory(10 * S, 2), Memory(40 * S, 0), Memory(40 * S, 1), Memory(40 * S, 2)
    ]  # fmt: skip


def test_restarts_at_random_come_at_their_mean_interval() -> None:
    pace, restarts = Pace(Control(restart_every_s=100.0), 10 * S, 0, draws()), []
    for _ in range(4000):
        restarts.append(pace.restart_ns)
        pace.restarted(pace.restart_ns)
    gaps_s = np.diff([0, *restarts]) / S
    # the mean of n exponential gaps has a standard error of mean / sqrt(n); four of them
    assert abs(gaps_s.mean() - 100.0) < 4 * 100.0 / math.sqrt(len(gaps_s))
    assert gaps_s.min() > 0


def test_nothing_is_drawn_where_nothing_is_random() -> None:
    def refuse(word: str) -> np.random.Generator:
        raise AssertionError(f"drew from {word!r}")

    assert Pace(Control(), 10 * S, 0, refuse).restart_ns == NEVER


def test_the_same_terms_go_on_and_others_begin_anew() -> None:
    bench, controller = Bench(), Watcher(wanted=1)
    bench.loop.hand_over(terms(controller, SCRAPE))
    for at_s, control in ((25, Control()), (45, Control(restart_at_s=(1e6,)))):
        bench.clock.call_at(at_s * S, Rank.PHASE, lambda c=control: bench.loop.hand_over(terms(controller, SCRAPE, c)))
    bench.play(60)
    assert bench.ticks_s(controller) == [10, 20, 30, 40, 55]
    assert controller.seen[-1][2] == Memory(45 * S)
