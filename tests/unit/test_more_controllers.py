"""Controllers by wait, latency, occupancy, clock, forecast and foresight: known answers, and laws that always hold."""

import math
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from sim.policy import Observation, Setting
from sim.policy.autoscaling import LlmAware, Oracle, Predictive, QueueDelay, Scheduled, SloFeedback
from sim.policy.autoscaling.scale_in_delay import largest_of_late
from sim.policy.autoscaling.scheduled import DAYS
from tests.observations import pool

S = 1_000_000_000
NAN = math.nan


def seen(n: int = 1, **given: Any) -> Observation:
    """A pool of n ready replicas, idle but for what is given."""
    idle = dict.fromkeys(("utilisation", "in_flight", "mean_in_flight", "completed_per_s", "queued"), [0.0] * n)
    return pool(n, **{**idle, "arrived_per_s": 0.0, **given})


def asked(controller: Any, observations: list[Observation], setting: Setting, step_s: float = 15.0) -> list[int]:
    state, got = controller.begin(0, setting), []
    for i, observation in enumerate(observations):
        decision, state = controller.decide(observation, state, round((i + 1) * step_s * S))
        got.append(decision.replicas)
    return got


@pytest.mark.parametrize("made", [LlmAware, Predictive, QueueDelay, SloFeedback])
def test_the_options_in_conf_are_the_defaults(made: Any) -> None:
    kind = made.model_fields["kind"].default
    tree = OmegaConf.to_container(OmegaConf.load(Path(__file__).parents[2] / "conf" / "autoscaler" / f"{kind}.yaml"))
    assert made.model_validate(tree, context={"door": True}) == made(max_replicas=20)


# --- what was wanted lately


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(0, 8))
def test_the_largest_of_late_is_the_largest_of_late(wanted: list[int], window: int) -> None:
    log: Any = ()
    for now, desired in enumerate(wanted, 1):
        got, log = largest_of_late(log, desired, wanted[0], window, now)
        recent = [n for at, n in enumerate(wanted, 1) if now - window < at <= now]
        assert got == max([desired, *recent])


# --- the wait in the queue

TWO_A_SECOND = Setting(service_s=0.5, slo_s=2.0)


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        # 6.4/s at 2/s each and 80 % busy: 6.4 / 1.6
        (seen(4, arrived_per_s=6.4, utilisation=[0.8] * 4, completed_per_s=[1.6] * 4), 4),
        (seen(4, arrived_per_s=6.5, utilisation=[0.8] * 4, completed_per_s=[1.6] * 4), 5),
        # 30 wait, and are to wait a second at most: 30 / (2 x 1 s)
        (seen(4, arrived_per_s=6.4, queued_shared=30, utilisation=[1.0] * 4, completed_per_s=[2.0] * 4), 15),
        # 8 at each of four, of which one each is in service: 28 / 2
        (seen(4, arrived_per_s=6.4, in_flight=[8.0] * 4, utilisation=[1.0] * 4, completed_per_s=[2.0] * 4), 14),
        (seen(2), 1),
    ],
)
def test_littles_law_sets_the_count(observation: Observation, expected: int) -> None:
    controller = QueueDelay(max_replicas=100, target_s=1.0, scale_in_delay_s=0.0)
    assert asked(controller, [observation], TWO_A_SECOND) == [expected]


@given(
    st.floats(0.0, 500.0), st.integers(0, 10_000), st.floats(0.01, 20.0), st.floats(0.05, 30.0), st.floats(0.1, 1.0)
)  # fmt: skip
def test_the_wait_is_kept_and_with_one_fewer_it_is_not(
    per_s: float, waiting: int, service_s: float, target_s: float, most: float
) -> None:
    controller = QueueDelay(max_replicas=10_000, target_s=target_s, max_utilisation=most)
    observation = seen(1, arrived_per_s=per_s, queued_shared=waiting)
    n = asked(controller, [observation], Setting(service_s=service_s))[0]

    def held(replicas: int) -> bool:
        wait_s, busy = waiting * service_s / replicas, per_s * service_s / replicas
        return wait_s <= target_s * (1 + 1e-6) and busy <= most * (1 + 1e-6)

    assert held(n) or n == 10_000
    assert n == 1 or not held(n - 1) or n - 1 < max(waiting * service_s / target_s, per_s * service_s / most)


def test_what_a_replica_gives_is_learnt_from_its_answers() -> None:
    # thought to give 2 requests per busy second, and gives 4
    controller = QueueDelay(max_replicas=100, target_s=1.0, max_utilisation=1.0, scale_in_delay_s=0.0)
    busy = seen(2, arrived_per_s=7.9, utilisation=[1.0, 1.0], completed_per_s=[4.0, 4.0])
    got = asked(controller, [busy] * 400, TWO_A_SECOND)
    assert (got[0], got[-1]) == (3, 2)  # at first a minute of what was thought, and half a minute of what is


def test_the_target_is_half_of_the_slo_where_none_is_given() -> None:
    waiting = seen(1, queued_shared=12)
    assert asked(QueueDelay(max_replicas=50), [waiting], TWO_A_SECOND) == [6]  # 12 x 0.5 s / 1 s
    assert asked(QueueDelay(max_replicas=50, target_s=0.5), [waiting], TWO_A_SECOND) == [12]


def test_nothing_is_given_up_that_was_wanted_lately() -> None:
    controller = QueueDelay(max_replicas=50, target_s=1.0, scale_in_delay_s=45.0)
    calm = seen(1)
    got = asked(controller, [seen(1, queued_shared=12), calm, calm, calm, calm], TWO_A_SECOND)
    assert got == [6, 6, 6, 1, 1]


def test_without_any_idea_of_a_replica_nothing_changes() -> None:
    assert asked(QueueDelay(max_replicas=9, target_s=1.0), [seen(3, queued_shared=50)], Setting()) == [3]


# --- feedback of latency


def steady(latency_s: float, n: int = 4) -> Observation:
    return seen(n, latency_s=latency_s, arrived_per_s=1.0)


def feedback(**given: Any) -> SloFeedback:
    return SloFeedback(**{"max_replicas": 1000, "target_s": 1.0, "scale_in_delay_s": 0.0, "deadband": 0.0, **given})


def test_the_first_error_acts_by_the_gain_and_a_lasting_one_by_the_integral() -> None:
    # e = ln 2; u = ln 4 + 0.5 (e + 0.1 e), and 0.5 x 0.1 e more at every further tick
    controller = feedback(gain=0.5, integral_time_s=150.0, sync_period_s=15.0)
    got = asked(controller, [steady(2.0)] * 21, Setting())
    expected = [math.ceil(4 * 2 ** (0.5 * (1 + 0.1 * k))) for k in range(1, 22)]
    assert got == expected


def test_what_wound_up_unwinds_at_once() -> None:
    controller = feedback(max_replicas=5, gain=0.5, integral_time_s=150.0)
    slow, fast = [steady(8.0)] * 500, [steady(0.25)] * 4
    got = asked(controller, slow + fast, Setting())
    assert got[:500] == [5] * 500
    assert got[500] < 5  # with 500 ticks of error summed up it would stay at the limit for hours


def test_what_boots_stops_the_integral_part_alone() -> None:
    # e is cut at ln 2: the proportional part asks once for 4 x 2^0.5 replicas, and a lasting error for no more
    controller, booting = feedback(), seen(4, latency_s=9.0, arrived_per_s=1.0, ready=[True, True, True, False])
    assert asked(controller, [booting] * 50, Setting()) == [6] * 50


def test_the_target_leaves_the_99th_percentile_at_the_slo() -> None:
    # of an exponential law with its p99 at 10 s, the p95 lies at 10 s x ln 20 / ln 100 = 6.505 s
    controller, setting = feedback(target_s=None, gain=1.0, integral_time_s=1e7), Setting(slo_s=10.0)
    assert asked(controller, [steady(6.50)], setting) == [4]
    assert asked(controller, [steady(6.51)], setting) == [5]
    at_the_slo = feedback(target_s=None, quantile=0.999, gain=1.0, integral_time_s=1e7)  # never above it
    assert asked(at_the_slo, [steady(9.99)], setting) == [4]
    assert asked(at_the_slo, [steady(10.01)], setting) == [5]


# --- and its floor


def busy(shares: list[float], inside: list[float], latency_s: float = 0.01, **given: Any) -> Observation:
    return seen(len(shares), utilisation=shares, mean_in_flight=inside, latency_s=latency_s, arrived_per_s=1.0, **given)


@pytest.mark.parametrize(
    ("shares", "inside", "concurrency", "expected"),
    [
        ([0.6] * 4, [0.9] * 4, 1, 3),  # 2.4 replicas' worth of places at 80 %
        ([1.0] * 4, [50.0] * 4, 1, 5),  # a queue takes no places: a quarter more, once they are all busy
        ([1.0] * 4, [3.0] * 4, 8, 2),  # batches of 8 with 3 inside on average: 1.5 replicas' worth
        ([0.9] * 4, [30.0] * 4, 8, 5),  # 3.6 at 80 %
        ([0.6, 0.6, 0.6, NAN], [0.9, 0.9, 0.9, NAN], 1, 3),  # who has no two scrapes yet takes none: 2.25
    ],
)
def test_however_fast_answers_are_the_floor_holds(
    shares: list[float], inside: list[float], concurrency: int, expected: int
) -> None:
    controller, setting = feedback(most_busy=0.8), Setting(concurrency=concurrency)
    assert asked(controller, [busy(shares, inside)] * 500, setting)[-1] == expected


def test_the_floor_follows_a_load_that_grows_while_replicas_boot() -> None:
    booting = busy([0.95, 0.95, NAN], [2.0, 2.0, NAN], ready=[True, True, False])
    fuller = busy([1.0] * 3 + [NAN], [2.0] * 3 + [NAN], ready=[True, True, True, False])
    assert asked(feedback(most_busy=0.5), [booting, fuller], Setting()) == [4, 6]


def test_what_is_added_above_the_floor_begins_at_the_floor() -> None:
    # at the floor of 8 x 1 / 0.8 for an hour: the first slow answers ask for 2^0.5 as many (e goes from -ln 2 to ln 2)
    controller = feedback(most_busy=0.8, integral_time_s=1e7, gain=0.25)
    fine, slow = busy([1.0] * 8, [1.0] * 8), busy([1.0] * 8, [1.0] * 8, 99.0)
    got = asked(controller, [fine] * 240 + [slow], Setting())
    assert got[-2:] == [10, 15]


def under(load: float, n: int) -> Observation:
    """n replicas with `load` of work: M/M/1's mean latency of each, of 0.1 s of service; 10 s where it has none."""
    share = min(load / n, 1.0)
    latency_s = min(0.1 / (1.0 - share), 10.0) if share < 1.0 else 10.0
    inside = share / (1.0 - share) if share < 1.0 else 99.0
    return busy([share] * n, [inside] * n, latency_s)


def driven(controller: SloFeedback, load: float, n: int, ticks: int) -> list[int]:
    """Counts of the closed loop, whose replicas are ready at once."""
    state, got = controller.begin(0), []
    for k in range(ticks):
        decision, state = controller.decide(under(load, n), state, (k + 1) * 15 * S)
        n = decision.replicas
        got.append(n)
    return got


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 100.0), st.integers(1, 200))
def test_under_the_knee_a_constant_load_is_held_without_a_swing(load: float, n: int) -> None:
    """At 80 % busy a request takes 0.5 s, within the target: the count falls to what that needs and stays there."""
    n = max(n, math.ceil(load / 0.8 - 1e-9))
    got = driven(SloFeedback(max_replicas=1000, target_s=1.0, most_busy=0.8), load, n, 3000)
    assert all(after <= before for before, after in pairwise([n, *got]))
    assert got[-1] == math.ceil(load / 0.8 - 1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(2.0, 100.0), st.floats(0.05, 0.9))
def test_an_overload_is_grown_out_of(load: float, share: float) -> None:
    """From any share of what it needs the count never falls before the load is served, and it is soon."""
    got = driven(SloFeedback(max_replicas=1000, target_s=1.0, most_busy=0.8), load, max(1, int(load * share)), 240)
    first = next(k for k, n in enumerate(got) if n > load)
    assert all(before <= after for before, after in pairwise(got[: first + 1]))
    # a quarter more at every tick, or one replica more, whichever is more
    assert first <= 4 + math.ceil(math.log(max(load / 4.0, 1.0), 1.25))
    assert got[-1] >= load / 0.8 - 1e-9


@pytest.mark.parametrize("latency_s", [0.91, 1.0, 1.09])
def test_the_deadband_is_left_alone(latency_s: float) -> None:
    assert asked(feedback(deadband=0.1), [steady(latency_s)] * 200, Setting()) == [4] * 200


def test_no_answers_are_the_worst_with_requests_inside_and_the_best_without() -> None:
    stuck = seen(4, latency_s=NAN, arrived_per_s=0.0, in_flight=[3.0] * 4)
    assert asked(feedback(), [stuck] * 3, Setting()) == asked(feedback(), [steady(2.0)] * 3, Setting())
    empty = seen(4, latency_s=NAN, arrived_per_s=0.0)
    assert asked(feedback(), [empty] * 2000, Setting())[-1] == 1
    unseen = seen(4, latency_s=NAN, arrived_per_s=NAN)
    assert asked(feedback(), [unseen] * 100, Setting()) == [4] * 100


def test_the_loop_settles_where_latency_meets_the_target() -> None:
    # a pool whose latency is 1 s x (8 / replicas)^1.5: 8 replicas hold the target
    controller, n = feedback(gain=0.5, integral_time_s=60.0), 2
    state = controller.begin(0)
    for k in range(400):
        decision, state = controller.decide(steady((8 / n) ** 1.5, n), state, (k + 1) * 15 * S)
        n = decision.replicas
    assert n in (8, 9)


@given(st.lists(st.one_of(st.just(NAN), st.floats(1e-4, 1e4)), max_size=40), st.integers(1, 5), st.integers(0, 20))
def test_feedback_stays_within_its_limits(latencies_s: list[float], low: int, more: int) -> None:
    controller = feedback(min_replicas=low, max_replicas=low + more)
    got = asked(controller, [steady(latency_s, low) for latency_s in latencies_s], Setting())
    assert all(low <= n <= low + more for n in got)


# --- occupancy of engines


def loaded(*loads: tuple[float, float], places: int = 100, **given: Any) -> Observation:
    """Replicas with a share of 100 places taken and a queue; a queue stands behind full places alone."""
    in_flight = [places * share + queue for share, queue in loads]
    return seen(len(loads), in_flight=in_flight, **given)


def llm(**given: Any) -> LlmAware:
    return LlmAware(**{"max_replicas": 20, "concurrency": 100, "scale_in_delay_s": 0.0, **given})


def test_the_documented_example() -> None:
    # docs/saturation-analyzer.md, "Example: Model llama-70b with 2 variants": five replicas, none of them saturated
    loads = [(0.70, 2.0), (0.75, 3.0), (0.60, 1.0), (0.65, 2.0), (0.55, 1.0)]
    room = llm().room(loads)
    assert room.open == 5
    assert room.spare_occupancy == pytest.approx(0.80 - 3.25 / 5)
    assert room.spare_queue == pytest.approx(5 - 9 / 5)
    assert room.left_occupancy == pytest.approx(0.80 - 3.25 / 4)
    assert room.left_queue == pytest.approx(5 - 9 / 4)


@pytest.mark.parametrize(
    ("loads", "expected"),
    [
        ([(0.65, 0.0)] * 5, 5),  # 15 % to spare, and one fewer would leave nothing
        ([(0.71, 0.0)] * 5, 6),  # 9 % to spare
        ([(0.30, 0.0)] * 5, 4),  # 4 would be at 37.5 %
        ([(0.30, 0.0)], 1),  # the last one stays: nobody could take over
        ([(1.0, 9.0)] * 3, 4),  # all saturated
        ([(1.0, 9.0), (0.2, 0.0), (0.2, 0.0)], 2),  # the two that are not saturated could do with one
    ],
)
def test_one_more_one_fewer_or_as_many(loads: list[tuple[float, float]], expected: int) -> None:
    assert asked(llm(), [loaded(*loads)], Setting(), 60.0) == [expected]


def test_a_shared_queue_is_spread_over_the_replicas() -> None:
    # 2.5 wait for each of four: 2.5 to spare of 5, less than 3
    assert asked(llm(), [loaded(*[(0.2, 0.0)] * 4, queued_shared=10)], Setting(), 60.0) == [5]
    assert asked(llm(), [loaded(*[(0.2, 0.0)] * 4, queued_shared=2)], Setting(), 60.0) == [3]


def test_no_step_while_a_replica_is_still_to_come() -> None:
    booting = seen(3, in_flight=[100.0, 100.0, NAN], ready=[True, True, False])
    assert asked(llm(), [booting] * 9, Setting(), 60.0) == [3] * 9


def test_the_places_of_a_replica_are_its_largest_batch_where_none_are_given() -> None:
    observation = seen(2, in_flight=[8.0, 8.0])
    assert asked(llm(concurrency=None), [observation], Setting(concurrency=8), 60.0) == [3]
    assert asked(llm(concurrency=None), [observation], Setting(concurrency=64), 60.0) == [1]


@given(st.lists(st.lists(st.floats(0.0, 300.0), min_size=1, max_size=8), max_size=20))
def test_never_more_than_a_step_at_a_time(rounds: list[list[float]]) -> None:
    controller = llm(scale_in_delay_s=120.0)
    state = controller.begin(0)
    for k, in_flight in enumerate(rounds):
        decision, state = controller.decide(seen(len(in_flight), in_flight=in_flight), state, (k + 1) * 60 * S)
        assert abs(decision.replicas - len(in_flight)) <= 1


# --- the clock on the wall

WEEKDAYS = {"days": "weekdays", "from": "08:00", "to": "20:00", "replicas": 4}


def scheduled(*windows: dict[str, Any], replicas: int = 1) -> Scheduled:
    return Scheduled.model_validate({"kind": "scheduled", "replicas": replicas, "windows": list(windows or [WEEKDAYS])})


def planned(controller: Scheduled, civil: str, zone: str = "UTC") -> int:
    moment = datetime.fromisoformat(civil).replace(tzinfo=ZoneInfo(zone))
    return controller.planned(round(moment.timestamp()) * S, zone)[0]


@pytest.mark.parametrize(
    ("civil", "expected"),
    [
        ("2026-01-05 07:59:59", 1), ("2026-01-05 08:00", 4), ("2026-01-05 19:59:59", 4), ("2026-01-05 20:00", 1),
        ("2026-01-10 12:00", 1),  # a Saturday
    ],
)  # fmt: skip
def test_a_window_holds_from_its_start_to_its_end(civil: str, expected: int) -> None:
    assert planned(scheduled(), civil) == expected
    assert planned(scheduled(), civil, "Asia/Tokyo") == expected


def test_a_window_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    night = scheduled({"days": "fri", "from": "22:00", "to": "06:00", "replicas": 3})
    shown = [planned(night, f"2026-01-{day:02} {hour:02}:30") for day, hour in ((9, 21), (9, 23), (10, 5), (10, 6))]
    assert shown == [1, 3, 3, 1]
    assert planned(night, "2026-01-09 03:00") == 1  # the night from Thursday


def test_of_windows_that_overlap_the_largest_counts_and_one_alone_may_lower() -> None:
    both = scheduled(
        {"from": "08:00", "to": "20:00", "replicas": 3}, {"from": "12:00", "to": "13:00", "replicas": 5},
        {"from": "22:00", "to": "24:00", "replicas": 0}, replicas=2,
    )  # fmt: skip
    assert [planned(both, f"2026-01-05 {t}") for t in ("07:00", "09:00", "12:30", "23:59")] == [2, 3, 5, 0]
    assert (both.min_replicas, both.max_replicas) == (0, 5)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.sampled_from(["UTC", "Europe/Paris", "Asia/Tokyo"]),
    st.lists(
        st.tuples(st.sets(st.sampled_from(DAYS), min_size=1), *[st.integers(0, 47)] * 2, st.integers(0, 5)),
        min_size=1, max_size=3,
    ),
)  # fmt: skip
@settings(max_examples=60)
def test_what_is_planned_holds_until_it_says(moment: datetime, zone: str, drawn: list[Any]) -> None:
    def time(half_hours: int) -> str:
        return f"{half_hours // 2:02}:{30 * (half_hours % 2):02}"

    windows = [
        {"days": sorted(days), "from": time(a), "to": time(b), "replicas": n} for days, a, b, n in drawn if a != b
    ]
    if not windows:
        return
    controller = scheduled(*windows)
    now_ns = round(moment.replace(tzinfo=UTC, microsecond=0).timestamp()) * S
    replicas, until_ns = controller.planned(now_ns, zone)
    assert until_ns > now_ns
    for share in (0.0, 0.3, 0.7, 1.0):
        assert controller.planned(now_ns + round(share * (until_ns - 1 - now_ns)), zone)[0] == replicas


def test_the_clock_is_the_scenarios() -> None:
    # starts on Monday 2026-01-05 at 00:00 in Tokyo, 15:00 UTC of the day before
    start = datetime(2026, 1, 5, tzinfo=ZoneInfo("Asia/Tokyo"))
    setting = Setting(start_epoch_ns=round(start.timestamp()) * S, timezone="Asia/Tokyo")
    got = asked(scheduled(), [seen()] * 24, setting, 3600.0)
    assert got == [1] * 7 + [4] * 12 + [1] * 5


def test_half_an_hour_that_summer_time_leaves_out_begins_later() -> None:
    # Paris, 2026-03-29: clocks go from 02:00 to 03:00
    controller = scheduled({"days": "sun", "from": "02:30", "to": "05:00", "replicas": 4})
    shown = [planned(controller, f"2026-03-29 {t}", "Europe/Paris") for t in ("01:59", "03:29", "03:30", "04:59")]
    assert shown == [1, 1, 4, 4]


# --- foresight


def known(*arrivals_s: float) -> Any:
    arrivals = np.array(sorted(arrivals_s)) * S
    return lambda moments: np.diff(np.searchsorted(arrivals, moments)).astype(np.float64)


def test_the_oracle_asks_a_boot_ahead_for_the_busiest_stretch() -> None:
    # 480 requests in the minute from 600 s on: 8 per second, 2 per second and replica
    rush = known(*np.arange(600.0, 660.0, 0.125))
    controller = Oracle(max_replicas=20, target=1.0, sync_period_s=15.0, stretch_s=60.0)
    setting = Setting(boot_s=165.0, best_per_s=2.0, coming=rush)
    got = asked(controller, [seen()] * 60, setting)
    rising = [15 * (i + 1) for i, n in enumerate(got) if n]
    assert rising[0] == 600 - 45 - 180  # a stretch that ends in the rush begins before one asked for later is ready
    assert rising[-1] == 645  # the rush's last second is still to come
    assert max(got) == 4
    full = [15 * (i + 1) for i, n in enumerate(got) if n == 4]
    assert full[0] == 600 - 180  # all of them are there in time, and not a decision earlier


@given(st.lists(st.floats(0.0, 3000.0), max_size=200), st.floats(0.0, 600.0), st.floats(0.05, 5.0))
@settings(max_examples=60)
def test_the_oracle_is_never_short_of_what_comes(arrivals_s: list[float], boot_s: float, best_per_s: float) -> None:
    controller = Oracle(max_replicas=10_000, target=1.0, sync_period_s=15.0, stretch_s=60.0)
    coming = known(*arrivals_s)
    setting = Setting(boot_s=boot_s, best_per_s=best_per_s, coming=coming)
    n = asked(controller, [seen()], setting)[0]
    begins = 15.0 + np.arange(0.0, boot_s + 30.0, 15.0)
    most = max(coming(np.array([begin, begin + 60.0]) * S)[0] for begin in begins)
    assert n * best_per_s * 60.0 >= most - 1e-6
    assert n == 0 or (n - 1) * best_per_s * 60.0 < most


# --- forecast


def test_a_daily_rush_is_served_before_it_comes_once_two_days_have_been_seen() -> None:
    # 1 request/s, and 10/s from 09:00 to 10:00; a replica gives 1/s and takes half an hour to be ready
    controller = Predictive(
        max_replicas=50, target=1.0, capacity_per_s=1.0, step_s=900.0, margin=0.0, sync_period_s=300.0,
        scale_in_delay_s=0.0, refit_s=86_400.0,
    )  # fmt: skip
    state = controller.begin(0, Setting(boot_s=1800.0))
    at: dict[float, int] = {}
    for k in range(1, 5 * 288 + 1):
        hour = (k * 300 - 1) / 3600.0 % 24
        rate = 10.0 if 9.0 <= hour < 10.0 else 1.0
        decision, state = controller.decide(seen(1, arrived_per_s=rate), state, k * 300 * S)
        at[k * 300 / 3600.0] = decision.replicas
    assert at[24 + 8.75] == 1  # on the second day nothing is known yet
    for day in (3, 4):
        assert at[24 * day + 8.5] >= 9  # half an hour before the rush
        assert at[24 * day + 12.0] <= 2
    assert state.error < 0.2


def test_the_present_is_never_served_worse_than_without_a_forecast() -> None:
    controller = Predictive(max_replicas=50, target=0.5, capacity_per_s=2.0, scale_in_delay_s=0.0)
    assert asked(controller, [seen(1, arrived_per_s=7.3)], Setting()) == [8]


def test_a_forecast_holds_its_error_in_the_reason() -> None:
    controller = Predictive(
        max_replicas=50, target=1.0, capacity_per_s=1.0, step_s=60.0, season_s=120.0, history_s=600.0,
        sync_period_s=60.0, margin=0.5,
    )  # fmt: skip
    state, reasons = controller.begin(0), []
    for k in range(1, 40):
        decision, state = controller.decide(seen(1, arrived_per_s=4.0), state, k * 60 * S)
        reasons.append(decision.reason)
    assert reasons[0] == "PresentRate"
    assert reasons[-1] == "Forecast:error=0%"  # what never changes is foreseen


@given(st.integers(200, 900), st.floats(0.5, 30.0), st.floats(0.0, 300.0))
@settings(max_examples=30)
def test_the_oracle_never_scales_later_than_one_that_reacts(step_s: int, per_s: float, boot_s: float) -> None:
    """Arrivals step from nothing to `per_s`; the one that reacts sees the rate as it is, at the same target."""
    coming = known(*np.arange(float(step_s), 1500.0, 1.0 / per_s))
    setting = Setting(boot_s=boot_s, best_per_s=1.0, service_s=1.0, coming=coming)
    oracle = Oracle(max_replicas=100, min_replicas=1, target=0.8, sync_period_s=15.0, stretch_s=60.0)
    reacting = QueueDelay(max_replicas=100, max_utilisation=0.8, target_s=1e6)
    rates = [coming(np.array([t - 15.0, t]) * S)[0] / 15.0 for t in np.arange(15.0, 1401.0, 15.0)]
    foreseen = asked(oracle, [seen()] * len(rates), setting)
    reacted = asked(reacting, [seen(arrived_per_s=rate) for rate in rates], setting)
    step = -(-step_s // 15)
    for n in range(2, min(max(foreseen), max(reacted)) + 1):
        first = next(i for i, asked_for in enumerate(foreseen) if asked_for >= n)
        assert first <= next(i for i, asked_for in enumerate(reacted) if asked_for >= n)
        assert first < step
