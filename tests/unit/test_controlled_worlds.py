"""Controllers in whole worlds: the future, latencies, policies of one's own, control loops that are late or forget."""

import math
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import EntryPoint
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from sim.clock.calendar import to_ns
from sim.config import InputError, Parameters, RunError, Seconds
from sim.policy import Decision, Observation, Setting
from sim.policy.autoscaling import Plugin, plugin
from sim.scenario import Scenario, load
from sim.serving.exact import ExactPlane
from sim.streams import Streams
from sim.workload.source import arrival_source
from sim.world import simulate
from sim.world.arrivals_ahead import ArrivalsAhead, Visitors

HOUR_S = 3600.0


@cache
def world(
    *typed: str, engine: str = "exact", horizon: str = "3 h", rate: str = "1 req/s", window: str = "1 min"
) -> Scenario:
    """Some hours on quick machines, at a rate that rises through the day."""
    return load(
        "document_assistant", "phases=production", "admission=none", "cache=none", "learning=none", "value=none",
        "incidents=none", *typed, seed=1, engine=engine, start="2026-03-02 06:00", horizon=horizon,
        record={"interval": window}, workload={"rate": rate, "keys": {"kind": "unique"}, "tenants": {"count": 1}},
        pool={"machine": {"provisioning": "60 s"}, "model": {"load": "30 s"}},
    )  # fmt: skip


def scaled(run: Any) -> list[tuple[float, float, str]]:
    """(when, to how many, why) of every change that was asked for."""
    events = run.events[run.events["kind"] == "scale"]
    return list(zip(events["at_s"], events["after"], events["detail"], strict=True))


# --- arrivals to come


def test_what_is_foreseen_is_what_comes() -> None:
    scenario = world()
    workload, calendar = scenario.workloads["main"], scenario.calendar()

    def source(block_size: int = 65_536) -> Any:
        return arrival_source(workload, "main", calendar, Streams(5), block_size)

    every, reading = [], source()
    while (block := reading.next_block()) is not None:
        every.append(block.arrival_ns)
    arrivals = np.concatenate(every)
    ahead = ArrivalsAhead(lambda: source(64))
    for now_s in np.arange(0.0, 3 * HOUR_S - 400.0, 217.0):
        moments = np.array([now_s, now_s + 30.0, now_s + 400.0]) * 1_000_000_000
        expected = [np.count_nonzero((arrivals >= a) & (arrivals < b)) for a, b in pairwise(moments)]
        assert ahead.count(moments.astype(np.int64)).tolist() == expected
    beyond = np.array([4, 5]) * to_ns(HOUR_S)
    assert ahead.count(beyond).tolist() == [0.0]


def test_a_pool_is_visited_by_shares() -> None:
    class Ten:
        def count(self, moments_ns: Any) -> Any:
            return np.full(len(moments_ns) - 1, 10.0)

    visitors = Visitors((Ten(), Ten()), (0.5, 2.0))  # type: ignore[arg-type]
    assert visitors(np.arange(4)).tolist() == [25.0] * 3


@pytest.fixture(scope="module")
def runs() -> dict[str, Any]:
    """The same rising traffic under the oracle and under what reacts."""
    typed = ("autoscaler.max_replicas=30",)
    return {
        kind: simulate(world(f"autoscaler={kind}", *typed, horizon="4 h", rate="3 req/s"))
        for kind in ("hpa", "oracle", "queue_delay", "slo_feedback", "llm_aware")
    }


def test_every_controller_serves_what_comes(runs: dict[str, Any]) -> None:
    for kind, run in runs.items():
        assert run.totals["completed"] > 0.5 * run.totals["offered"], kind
        assert scaled(run), kind
    offered = {run.totals["potential"] for run in runs.values()}
    assert len(offered) == 1  # no controller moves demand


def test_latency_controllers_change_their_mind_for_a_reason_of_their_own(runs: dict[str, Any]) -> None:
    reasons = {kind: {why for _, _, why in scaled(run)} for kind, run in runs.items()}
    assert reasons["slo_feedback"] & {"TooSlow", "FasterThanNeeded"}
    assert reasons["queue_delay"] & {"Utilisation", "QueueDelay"}
    assert reasons["llm_aware"] & {"LittleToSpare", "MuchToSpare"}
    assert reasons["oracle"] >= {"Foreseen"}


@pytest.mark.parametrize("warm_up_s", [0.0, 600.0])
def test_the_oracle_has_asked_for_a_crowd_s_replicas_a_whole_start_before_it(warm_up_s: float) -> None:
    crowd = "+disturbances.crowd={kind: surge, start: 1 h, factor: 10, rise: 0 s, hold: 20 min, fall: 0 s}"
    run = simulate(world("autoscaler=oracle", crowd, f"pool.startup.warm_up={warm_up_s:g} s", horizon="2 h"))
    start_s = 60.0 + 30.0 + warm_up_s
    asked = [(at_s, after) for at_s, after, _ in scaled(run)]
    usual = max(after for at_s, after in asked if at_s < 1800.0)
    assert [after for at_s, after in asked if at_s <= HOUR_S - start_s][-1] > 2 * usual


LOOKED_AHEAD = "pool.scrape.interval=15 s"  # as often as the controllers below decide: ticks are played many at a time


@pytest.fixture
def _looked_ahead(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails where the compiled engine never played many ticks at once."""
    stood, look_ahead = [], ExactPlane.look_ahead

    def counted(*args: Any) -> bool:
        stood.append(look_ahead(*args))
        return stood[-1]

    monkeypatch.setattr(ExactPlane, "look_ahead", counted)
    yield
    assert True in stood


CONTROLLERS = {
    "hpa": ("autoscaler=hpa", "autoscaler.sync_period=15 s"),
    "hpa on its queue": (
        "autoscaler=hpa", "autoscaler.sync_period=15 s",
        "autoscaler.metrics=[{kind: external, name: queue, type: average_value, target: 2}]",
    ),
    "keda on its queue": (
        "autoscaler=keda", "autoscaler.polling_interval=15 s", "autoscaler.triggers=[{type: queue, target: 2}]",
    ),
    "knative": ("autoscaler=knative", "autoscaler.min_replicas=1", "autoscaler.sync_period=15 s"),
    "llm_aware": ("autoscaler=llm_aware", "autoscaler.sync_period=15 s"),
    "oracle": ("autoscaler=oracle", "autoscaler.sync_period=15 s"),
    "queue_delay": ("autoscaler=queue_delay", "autoscaler.sync_period=15 s"),
    "ray_serve": ("autoscaler=ray_serve", "autoscaler.min_replicas=1"),
    "step_scaling on its queue": (
        "autoscaler=step_scaling", "autoscaler.scale_out.metric=queue", "autoscaler.scale_out.threshold=3",
        "autoscaler.scale_out.evaluation_periods=1", "autoscaler.scale_out.adjustment=change",
        "autoscaler.scale_out.min_adjustment_magnitude=0",
        "autoscaler.scale_out.steps=[{lower: 0, upper: null, adjustment: 1}]",
    ),
    "target_tracking": ("autoscaler=target_tracking",),
}  # fmt: skip


@pytest.mark.usefixtures("_looked_ahead")
@pytest.mark.parametrize("kind", CONTROLLERS)
def test_both_engines_are_scaled_alike(kind: str) -> None:
    typed = (*CONTROLLERS[kind], LOOKED_AHEAD, "pool.batching.max_batch_size=1")
    got = [
        simulate(world(*typed, engine=engine, horizon="40 min", window="20 min")) for engine in ("exact", "reference")
    ]
    assert scaled(got[0]) == scaled(got[1])
    assert len(scaled(got[0])) > 1  # its limits at the start, and what it has decided
    pd.testing.assert_frame_equal(got[0].timeseries, got[1].timeseries)


def test_both_engines_show_the_same_latencies() -> None:
    got = [simulate(world("autoscaler=slo_feedback", engine=e, horizon="40 min")) for e in ("exact", "reference")]
    assert scaled(got[0]) == scaled(got[1])
    pd.testing.assert_frame_equal(got[0].timeseries, got[1].timeseries)


class Watching:
    """Two replicas, always; remembers what it was shown."""

    min_replicas = max_replicas = initial_replicas = 2
    sync_period_s = 15.0

    def __init__(self) -> None:
        self.shown: list[tuple[int, Observation]] = []

    def begin(self, now_ns: int) -> None:
        return None

    def decide(self, observation: Observation, state: None, now_ns: int) -> tuple[Decision, None]:
        self.shown.append((now_ns, Observation(*(np.copy(value) for value in observation))))
        return Decision(2, "Watching"), None


@pytest.mark.usefixtures("_looked_ahead")
def test_a_controller_sees_the_same_whether_its_ticks_are_played_one_or_many_at_a_time() -> None:
    """Of an overload, so that requests wait at replicas. Only the compiled engine looks ahead."""
    ahead, single = Watching(), Watching()
    for engine, policy in (("exact", ahead), ("reference", single)):
        simulate(
            world(LOOKED_AHEAD, "pool.batching.max_batch_size=1", engine=engine, horizon="40 min", window="20 min"),
            policies={"main": policy},
        )
    assert [at_ns for at_ns, _ in ahead.shown] == [at_ns for at_ns, _ in single.shown]
    for field in Observation._fields:
        for (at_ns, one), (_, other) in zip(ahead.shown, single.shown, strict=True):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field), f"{field} at {at_ns}")
    assert max(seen.queued.sum() for _, seen in ahead.shown) > 10.0


def test_reading_latencies_changes_no_record() -> None:
    plain = simulate(world("autoscaler=fixed", horizon="1 h"), policies={"main": Counting()})
    reading = simulate(world("autoscaler=fixed", horizon="1 h"), policies={"main": Counting(latency_quantile=0.9)})
    pd.testing.assert_frame_equal(plain.timeseries, reading.timeseries)
    pd.testing.assert_frame_equal(plain.latency_histogram, reading.latency_histogram)


# --- control loops that are late or forget


def test_jitter_is_drawn_from_a_stream_of_its_own_and_moves_no_arrival() -> None:
    still = simulate(world("autoscaler=hpa"))
    late = [simulate(world("autoscaler=hpa", "+pool.control.jitter=80 %")) for _ in range(2)]
    assert scaled(late[0]) == scaled(late[1])
    assert scaled(late[0]) != scaled(still)
    assert late[0].totals["offered"] == still.totals["offered"]
    assert any(at_s % 15.0 for at_s, _, _ in scaled(late[0]))
    assert not any(at_s % 15.0 for at_s, _, _ in scaled(still))


# --- policies of one's own


class Count(NamedTuple):
    asked: int = 0


class Counting:
    """Asks for one replica more every ten minutes, to three."""

    min_replicas, max_replicas, initial_replicas, sync_period_s = 1, 3, 1, 60.0

    def __init__(self, every: int = 10, latency_quantile: float | None = None) -> None:
        self.every, self.latency_quantile = every, latency_quantile

    def begin(self, now_ns: int) -> Count:
        return Count()

    def decide(self, observation: Observation, state: Count, now_ns: int) -> tuple[Decision, Count]:
        return Decision(1 + (state.asked + 1) // self.every, "Counted"), Count(state.asked + 1)


class Stepping(Parameters):
    """A policy with a parameter class."""

    every_s: Seconds
    min_replicas: int = 1
    max_replicas: int = 3
    initial_replicas: int = 1
    sync_period_s: float = 60.0

    def begin(self, now_ns: int) -> None:
        return None

    def decide(self, observation: Observation, state: None, now_ns: int) -> tuple[Decision, None]:
        return Decision(min(3, 1 + int(now_ns / 1e9 / self.every_s)), "Stepped"), None


def test_an_object_passed_in_python_scales_its_pool() -> None:
    run = simulate(world("autoscaler=fixed", horizon="1 h"), policies={"main": Counting()})
    steps = [(at_s, count) for at_s, count, why in scaled(run) if why == "Counted"]
    assert steps == [(600.0, 2.0), (1200.0, 3.0)]  # what it asks beyond its own limit is cut
    assert "scaled by Counting, an object passed in Python" in run.notes[0]


class Told(Counting):
    """Remembers the settings in which it has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.settings: list[Setting] = []

    def begin(self, now_ns: int, setting: Setting) -> Count:
        self.settings.append(setting)
        return super().begin(now_ns)


class Unasked(Counting):
    """Takes something else behind the time."""

    def begin(self, now_ns: int, memory: int = 0) -> Count:
        return Count(memory)


def test_a_policy_of_ones_own_is_told_its_setting_where_it_takes_one() -> None:
    told, unasked = Told(), Unasked()
    runs = [simulate(world("autoscaler=fixed", horizon="1 h"), policies={"main": one}) for one in (told, unasked)]
    assert [setting.timezone for setting in told.settings] == [world().timezone]
    assert told.settings[0].boot_s > 0.0
    assert scaled(runs[0]) == scaled(runs[1])
    assert [Plugin.of(one, "mine").informed for one in (told, unasked)] == [True, False]


@pytest.mark.parametrize(
    ("policies", "words"),
    [
        ({"mian": Counting()}, ["policies['mian']", "Did you mean main?"]),
        ({"main": object()}, ["no policy", "it lacks begin, decide"]),
        ({"main": type("Wrong", (Counting,), {"initial_replicas": 9})()}, ["1 to 3 replicas, 9 at first"]),
        ({"main": type("Hasty", (Counting,), {"sync_period_s": 0.001})()}, ["sync_period_s is 0.001", "at least 0.1"]),
        ({"main": type("Endless", (Counting,), {"sync_period_s": math.inf})()}, ["sync_period_s is inf", "or None"]),
        ({"main": Counting}, ["it is a class", "Counting()"]),
        ({"main": type("Mute", (Counting,), {"decide": 3})()}, ["its decide cannot be called"]),
        ({"main": Counting(latency_quantile=95)}, ["latency_quantile is 95", "such as 0.95"]),
    ],
)
def test_what_is_no_policy_is_refused(policies: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        simulate(world("autoscaler=fixed", horizon="1 h"), policies=policies)
    assert [word for word in words if word not in str(refused.value)] == []


class Saying(Counting):
    """Decides whatever it is told to."""

    def __init__(self, says: Callable[[], Any]) -> None:
        super().__init__()
        self.says = says

    def decide(self, observation: Observation, state: Count, now_ns: int) -> Any:
        return self.says()


class Stillborn(Counting):
    def begin(self, now_ns: int) -> Count:
        return Count(1 // now_ns)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Saying(lambda: 3), ["Saying", "60 s after the start", "its decide returned 3.", "the next state"]),
        (Saying(lambda: None), ["its decide returned None"]),
        (Saying(lambda: Decision(3, "Alone")), ["its decide returned", "two things"]),
        (Saying(lambda: (3, None)), ["its decide returned (3, None)", "Decision(replicas, reason)"]),
        (Saying(lambda: (Decision(math.nan, "Nothing"), None)), ["replicas=nan", "a whole number"]),  # type: ignore[arg-type]
        (Saying(lambda: (Decision(math.inf, "Endless"), None)), ["replicas=inf"]),  # type: ignore[arg-type]
        (Saying(lambda: (Decision(2.7, "Cut"), None)), ["replicas=2.7", "a whole number"]),  # type: ignore[arg-type]
        (Saying(lambda: (Decision("3", "Typed"), None)), ["replicas='3'"]),  # type: ignore[arg-type]
        (Saying(lambda: (Decision(3, None), None)), ["reason=None", "a word such as"]),  # type: ignore[arg-type]
        (Saying(lambda: 1 / 0), ["Saying", "ZeroDivisionError: division by zero", "test_controlled_worlds.py, line"]),
        (Stillborn(), ["Stillborn", "0 s after the start", "begin raised ZeroDivisionError", "begin(now_ns, setting)"]),
    ],
)
def test_a_policys_mistake_is_told_as_its_own(policy: Any, words: list[str]) -> None:
    with pytest.raises(RunError) as told:
        simulate(world("autoscaler=fixed", horizon="1 h"), policies={"main": policy})
    assert [word for word in words if word not in str(told.value)] == []
    if "raised" in str(told.value):
        assert isinstance(told.value.__cause__, ZeroDivisionError)
        assert told.value.__cause__.__traceback__ is not None


@pytest.mark.parametrize("three", [3, 3.0, np.int64(3), np.float64(3.0), np.float32(3.0)])
def test_a_whole_number_of_any_type_is_a_count(three: Any) -> None:
    says = Decision(three, "Whole")
    decision, _ = Plugin.of(Saying(lambda: (says, None)), "mine").decide(None, None, 0)  # type: ignore[arg-type]
    assert (type(decision.replicas), decision) == (int, Decision(3, "Whole"))


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a package offered two policies."""
    points = {
        name: EntryPoint(name, f"{__name__}:{attribute}", plugin.GROUP)
        for name, attribute in (("counting", "Counting"), ("stepping", "Stepping"), ("gone", "Gone"))
    }
    monkeypatch.setattr(plugin, "offered", lambda: points)


@pytest.mark.usefixtures("_installed")
def test_an_entry_point_is_a_policy() -> None:
    typed = ("autoscaler=plugin", "autoscaler.name=counting", "+autoscaler.parameters.every=5")
    scenario = world(*typed, horizon="1 h")
    assert scenario.pools["main"].autoscaler.max_replicas == 3
    steps = [(at_s, count) for at_s, count, why in scaled(simulate(scenario)) if why == "Counted"]
    assert steps == [(300.0, 2.0), (600.0, 3.0)]


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["autoscaler.name=countin"], ["autoscaler.name: countin", "Did you mean counting?", "stepping"]),
        (["autoscaler.name=counting", "+autoscaler.parameters.evry=5"], ["autoscaler.parameters", "evry"]),
        (["autoscaler.name=stepping"], ["autoscaler.parameters", "every: Field required"]),
        (["autoscaler.name=gone"], ["cannot be loaded", "Install it again"]),
    ],
)
def test_a_policy_that_cannot_be_made_is_refused(typed: list[str], words: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        load("document_assistant", "autoscaler=plugin", *typed)
    assert [word for word in words if word not in str(refused.value)] == []


@pytest.mark.usefixtures("_installed")
def test_equal_policies_are_equal() -> None:
    one, same, other = (Plugin(name="stepping", parameters={"every": s}) for s in (9.0, 9.0, 8.0))
    assert one == same
    assert one != other
    mine = Counting()
    assert Plugin.of(mine, "Counting") == Plugin.of(mine, "Counting")
    assert Plugin.of(mine, "Counting") != Plugin.of(Counting(), "Counting")
