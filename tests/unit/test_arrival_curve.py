"""The factors of a demand curve: months, holidays, launches, viral spikes; and scaling it."""

import math
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.clock.calendar import NS_PER_DAY, NS_PER_S, Calendar
from sim.config import InputError
from sim.streams import Streams
from sim.workload.bursts import bursts_of
from sim.workload.growth import HourOfWeekSeasonality
from sim.workload.interarrival import Client, Interarrival
from sim.workload.occasions import Holidays, Launch, Spikes
from sim.workload.parameters import (
    ClientMixWorkload,
    CountsWorkload,
    PoissonWorkload,
    RenewalWorkload,
    ReplayWorkload,
    Slo,
    doubled,
)
from sim.workload.problems import demand_problems
from sim.workload.rate import DemandCurve
from sim.workload.source import arrival_source

DAY = 86_400.0
COMMON: dict[str, Any] = {
    "timeout_s": 30.0, "slo": Slo(latency_s=5.0, share=0.99), "prompt_tokens": 100, "output_tokens": 10,
    "response_bytes": 2e3, "log_bytes": 1e3,
}  # fmt: skip
SPIKES = Spikes(per_year=52.0, factor=5.0, decay_s=6 * 3600.0)


def poisson(**more: Any) -> PoissonWorkload:
    return PoissonWorkload(**{"rate_per_s": 1.0, **more}, **COMMON)


def days(n: float, zone: str = "UTC", start: datetime = datetime(2026, 1, 1)) -> Calendar:
    return Calendar(start, zone, round(n * NS_PER_DAY))


def curve(workload: Any, calendar: Calendar, seed: int = 1) -> DemandCurve:
    return DemandCurve(workload, calendar, Streams(seed).key("spikes/main"))


def rates(workload: Any, calendar: Calendar, seed: int = 1) -> np.ndarray:
    made = curve(workload, calendar, seed)
    return made.rates(0, made.intervals)


def arrivals(workload: Any, calendar: Calendar) -> np.ndarray:
    source = arrival_source(workload, "main", calendar, Streams(1))
    return np.concatenate([b.arrival_ns for b in iter(source.next_block, None)])


def by_day(workload: Any, calendar: Calendar) -> dict[str, set[float]]:
    found: dict[str, set[float]] = {}
    for i, rate in enumerate(rates(workload, calendar)):
        found.setdefault(f"{calendar.civil(i * 3600 * NS_PER_S):%Y-%m-%d}", set()).add(float(rate))
    return found


def test_monthly_weights_are_normalised_and_follow_the_civil_month() -> None:
    # given weights of 1 and one of 13 in February, when the rate is taken through 2026
    calendar = days(365, "Europe/Paris")
    got = rates(poisson(yearly=(1.0, 13.0, *[1.0] * 10)), calendar)
    # then February has 13 / 2 of the mean by the weights and every other month 1 / 2
    months = np.array([calendar.civil(i * 3600 * NS_PER_S).month for i in range(len(got))])
    assert got[months == 2] == pytest.approx(6.5)
    assert got[months != 2] == pytest.approx(0.5)


def test_holidays_recur_by_month_and_day_or_stand_once_and_are_civil_days() -> None:
    # given a day of every year and a day of one, in a zone with daylight saving, when two years pass
    workload = poisson(holidays=Holidays(dates=("05-01", "2026-03-29"), factor=0.4))
    found = by_day(workload, days(730, "Europe/Paris"))
    # then all hours of those civil days, and no other, have the factor: 23 of them when clocks go forward
    low = {day for day, seen in found.items() if seen == {0.4}}
    assert low == {"2026-05-01", "2027-05-01", "2026-03-29"}
    assert all(seen == {1.0} for day, seen in found.items() if day not in low)
    assert (rates(workload, days(730, "Europe/Paris")) == 0.4).sum() == 24 + 24 + 23


def test_a_launch_jumps_and_falls_back_with_its_mean_over_each_interval() -> None:
    # given a launch to three times the demand in the middle of an hour
    launch = Launch(at=datetime(2026, 1, 3, 12, 30), factor=3.0, decay_s=DAY)
    got = rates(poisson(launches=(launch,)), days(60))
    at = 2 * 24 + 12.5  # hours from the start
    # then nothing changes before, and each hour has the mean of 1 + 2 e^(-t / day) over it
    assert (got[:60] == 1.0).all()
    for hour in (60, 61, 84, 200):
        a, b = max(hour - at, 0.0), hour + 1 - at
        excess = 2 * 24 * (math.exp(-a / 24) - math.exp(-b / 24))
        assert got[hour] == pytest.approx(1.0 + excess, rel=1e-12)
    assert got[-1] == pytest.approx(1.0, abs=1e-12)
    # and in all the excess of demand is 2 decays
    assert (got - 1).sum() * 3600 == pytest.approx(2 * DAY, rel=1e-9)


def test_all_factors_multiply() -> None:
    day = datetime(2026, 5, 4)
    workload = poisson(
        rate_per_s=2.0, yearly=(1.0,) * 4 + (2.0,) + (1.0,) * 7, holidays=Holidays(dates=("05-04",), factor=0.5),
        launches=(Launch(at=day, factor=4.0, decay_s=300 * DAY), Launch(at=day, factor=2.0, decay_s=300 * DAY)),
        seasonality=HourOfWeekSeasonality(weights=(3.0,) + (1.0,) * 167),
    )  # fmt: skip
    got = rates(workload, days(365))[Calendar(datetime(2026, 1, 1), "UTC", 1).ns(day) // (3600 * NS_PER_S)]
    assert got == pytest.approx(2.0 * (2 / (13 / 12)) * 0.5 * 4 * 2 * 3 / (170 / 168), rel=1e-3)


def test_spikes_are_poisson_in_time_with_exponential_peaks() -> None:
    # given 52 spikes a year of mean peak 5 over 80 years
    bursts = bursts_of(poisson(spikes=SPIKES), days(80 * 365.25), Streams(3).key("spikes/main"))
    # then their number is Poisson, the gaps are exponential, and what the peaks have above 1 is exponential with mean 4
    assert 1e-6 < stats.poisson.cdf(len(bursts.at_ns), 80 * 52) < 1 - 1e-6
    gaps_s = np.diff(bursts.at_ns, prepend=0) / NS_PER_S
    assert stats.kstest(gaps_s, "expon", args=(0, 365.25 * DAY / 52)).pvalue > 1e-6
    assert stats.kstest(bursts.excess, "expon", args=(0, 4.0)).pvalue > 1e-6
    assert set(bursts.decay_ns) == {6 * 3600 * 1e9}


def test_a_spike_decays_and_lifts_demand_by_its_excess_times_its_decay() -> None:
    calendar = days(365)
    workload = poisson(spikes=SPIKES)
    bursts = bursts_of(workload, calendar, Streams(1).key("spikes/main"))
    k = int(np.argmax(np.diff(bursts.at_ns)))  # the one with the longest quiet time after it
    got = curve(workload, calendar).rates(0, 365 * 24)
    first, last = (int(bursts.at_ns[j] // (3600 * NS_PER_S)) for j in (k, k + 1))
    earlier = 1.0 + (got[first - 1] - 1.0) * np.exp(-np.arange(1, last - first + 1) / 6)  # what is left of those before
    assert (got[first:last] - earlier).sum() == pytest.approx(bursts.excess[k] * 6.0, rel=0.02)


def test_a_longer_horizon_moves_no_spike_and_each_seed_and_workload_has_its_own() -> None:
    short, long = (bursts_of(poisson(spikes=SPIKES), days(n), Streams(1).key("spikes/main")) for n in (365, 730))
    assert np.array_equal(long.at_ns[: len(short.at_ns)], short.at_ns)
    other = bursts_of(poisson(spikes=SPIKES), days(365), Streams(1).key("spikes/chat"))
    assert not np.array_equal(other.at_ns[:1], short.at_ns[:1])


def test_windows_of_the_curve_agree_with_the_whole_of_it() -> None:
    # given every factor, on a resolution of which a year has 35,040 intervals
    workload = poisson(
        resolution_s=900.0, spikes=SPIKES, holidays=Holidays(dates=("12-25",), factor=0.1),
        yearly=tuple(range(1, 13)), launches=(Launch(at=date(2026, 6, 1), factor=9.0, decay_s=9 * DAY),),
    )  # fmt: skip
    made = curve(workload, days(365))
    whole = made.rates(0, made.intervals)
    for first in (0, 4095, 4096, 20_000, made.intervals - 1):
        ahead = made.ahead(first)
        assert ahead == pytest.approx(whole[first : first + len(ahead)] * 1e-9, rel=1e-14)
    # and the bound on the peak holds and is not far off
    assert whole.max() <= made.peak()


def test_the_bound_on_the_peak_counts_what_stands_on_what() -> None:
    launches = tuple(Launch(at=date(2026, 2, d), factor=10.0, decay_s=300 * DAY) for d in (1, 2, 3))
    assert curve(poisson(launches=launches), days(90)).peak() == pytest.approx(1000, rel=0.01)
    apart = tuple(Launch(at=date(2026, m, 1), factor=10.0, decay_s=3600.0) for m in (2, 3, 4))
    assert curve(poisson(launches=apart), days(120)).peak() == pytest.approx(10)


def test_arrivals_follow_the_factors_and_stay_away_on_a_closed_day() -> None:
    launch = Launch(at=date(2026, 1, 3), factor=5.0, decay_s=DAY)
    workload = poisson(rate_per_s=0.5, launches=(launch,), holidays=Holidays(dates=("01-02",), factor=0.0))
    calendar = days(10)
    got = np.bincount(arrivals(workload, calendar) // NS_PER_DAY, minlength=10)
    expected = rates(workload, calendar).reshape(10, 24).sum(axis=1) * 3600
    assert got[1] == expected[1] == 0
    kept = expected > 0
    statistic = float(((got - expected)[kept] ** 2 / expected[kept]).sum())
    assert stats.chi2.ppf(1e-6, 9) < statistic < stats.chi2.ppf(1 - 1e-6, 9)


@pytest.mark.parametrize("at", [datetime(2025, 12, 31, 23, 59), datetime(2026, 3, 2), datetime(2030, 1, 1)])
def test_a_launch_outside_the_scenario_is_refused(at: datetime) -> None:
    workload = poisson(
        launches=(Launch(at=date(2026, 1, 1), factor=2, decay_s=DAY), Launch(at=at, factor=2, decay_s=1))
    )
    (problem,) = demand_problems(workload, "workloads.chat", days(60))
    assert str(problem).startswith("workloads.chat.launches.1.at: 20")
    assert "which goes from 2026-01-01 00:00 to 2026-03-02 00:00 (UTC)" in problem.message
    with pytest.raises(InputError, match=r"workload\.launches\.1\.at"):
        arrival_source(workload, "main", days(60), Streams(1))


def test_demand_inside_the_scenario_and_recorded_demand_have_no_problem() -> None:
    launches = (Launch(at=date(2026, 1, 1), factor=2, decay_s=DAY),)
    assert demand_problems(poisson(launches=launches), "workload", days(60)) == []
    assert demand_problems(ReplayWorkload(**COMMON), "workload", days(60)) == []


def test_a_launch_beyond_the_clock_is_refused_before_anything_runs() -> None:
    workload = poisson(rate_per_s=1e5, launches=(Launch(at=date(2026, 1, 2), factor=1e5, decay_s=DAY),))
    with pytest.raises(InputError, match=r"workload\.rate: 1e\+10 req/s at its peak: .*at most 1e9 req/s"):
        arrival_source(workload, "main", days(60), Streams(1))


def test_doubling_a_workload_keeps_every_draw() -> None:
    # given each kind that has a rate, when it is doubled, then times in operational time are the same
    clients = (Client(share=0.5, cv=2, interarrival="gamma"), Client(share=0.5, cv=1, interarrival="weibull"))
    kinds: list[Any] = [
        poisson(),
        RenewalWorkload(rate_per_s=1.0, interarrival=Interarrival(kind="gamma", cv=2), **COMMON),
        ClientMixWorkload(rate_per_s=1.0, clients=clients, **COMMON),
    ]
    for workload in kinds:
        twice = doubled(workload, 2.0)
        assert type(twice) is type(workload)
        slow, fast = arrivals(workload, days(1)), arrivals(twice, days(1))
        assert np.abs(fast[: len(slow)] * 2 - slow).max() <= 2


def test_recorded_traffic_cannot_be_doubled() -> None:
    for workload in (CountsWorkload(interval_s=60.0, **COMMON), ReplayWorkload(**COMMON)):
        with pytest.raises(ValueError, match="comes as it was recorded"):
            doubled(workload, 2.0)
