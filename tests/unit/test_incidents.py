"""Incidents: when they come, how long they wait for an engineer, and what their root causes cost."""

import heapq
import math

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from sim.clock.calendar import to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.cost.ledger import Ledger
from sim.operations.incidents import IncidentDesk, Incidents, NoIncidents, PoissonIncidents, incident_line
from sim.streams import Streams

HOUR_S = 3600.0
MONTH_S = 365.25 / 12 * 86_400


def poisson(**changes):
    values = {"per_month": 30.0, "hours": 6.0, "cv": 1.0, "engineers": 1, "rate_usd_per_h": 100.0}
    return PoissonIncidents(**values | changes)


def desk(parameters, seed=1):
    clock, events = Clock(), []

    def note(kind, subject, detail, before, after):
        events.append((clock.now / 3600e9, kind, int(subject.partition("/")[2]), detail, before, after))

    d = IncidentDesk(clock, parameters, Streams(seed).generator("incidents"), note)
    d.begin()
    return clock, d, events


def play(clock, seconds):
    clock.play(lambda t, rank: True, clock.at(to_ns(seconds), Rank.CLOSE))


def of_kind(events, kind):
    return [e for e in events if e[1] == kind]


def test_no_incidents_schedule_nothing_and_cost_nothing():
    clock, d, events = desk(NoIncidents())
    play(clock, 10 * MONTH_S)
    assert events == []
    assert d.worked_ns(clock.now) == 0


def test_their_number_and_mean_hours_are_as_stated():
    # given 30 a month for 20 years, without a queue worth the name
    clock, _, events = desk(poisson(engineers=100))
    play(clock, 240 * MONTH_S)
    came, hours = len(of_kind(events, "incident")), [e[5] for e in of_kind(events, "incident_resolved")]
    # then 7,200 are expected, within four standard deviations of a Poisson count, and the mean within four of its own
    assert abs(came - 7200) < 4 * math.sqrt(7200)
    assert abs(np.mean(hours) - 6.0) < 4 * 6.0 / math.sqrt(len(hours))
    # the kurtosis of a lognormal with cv 1 is 41: its standard deviation is known to sqrt(40 / 7200) / 2 = 3.7 %
    assert np.std(hours) / np.mean(hours) == pytest.approx(1.0, abs=0.15)
    gaps = np.diff([e[0] for e in of_kind(events, "incident")])
    assert np.std(gaps) / np.mean(gaps) == pytest.approx(1.0, abs=4 / math.sqrt(came))


def test_waiting_for_one_engineer_is_that_of_pollaczek_and_khinchine():
    # given 73.05 a month, one in ten hours, six hours each: an engineer busy 60 % of the time, and cv 0.5
    clock, d, events = desk(poisson(per_month=73.05, cv=0.5))
    months = 600
    play(clock, months * MONTH_S)
    came = {number: at for at, kind, number, *_ in events if kind == "incident"}
    done = of_kind(events, "incident_resolved")
    waits = np.array([at - hours - came[number] for at, _, number, _, _, hours in done])
    # when waits are cut into 40 batches, whose means are nearly independent
    means = np.array([batch.mean() for batch in np.array_split(waits, 40)])
    half_width = 3.55 * means.std(ddof=1) / math.sqrt(40)  # t with 39 degrees of freedom, 99.9 %
    expected_h = 0.6 / 0.4 * (1 + 0.5**2) / 2 * 6.0  # rho / (1 - rho) * (1 + cv^2) / 2 * mean: 5.625 h
    assert abs(means.mean() - expected_h) < half_width
    assert half_width < 0.1 * expected_h
    utilisation = d.worked_ns(clock.now) / clock.now
    assert utilisation == pytest.approx(0.6, rel=4 * math.sqrt((1 + 0.5**2) / len(done)))  # a compound Poisson sum


@pytest.mark.parametrize("engineers", [1, 2, 3])
def test_starts_are_those_of_a_first_come_first_served_queue(engineers):
    clock, _, events = desk(poisson(per_month=150.0 * engineers * 0.6, engineers=engineers, cv=2.0))
    play(clock, 24 * MONTH_S)
    came = {number: at for at, kind, number, *_ in events if kind == "incident"}
    done = {number: (at, hours) for at, kind, number, _, _, hours in events if kind == "incident_resolved"}
    free = [0.0] * engineers  # when each engineer is free again, by Kiefer and Wolfowitz
    compared = 0
    for number, at in sorted(came.items()):
        if number not in done:
            break
        begin = max(at, heapq.heappop(free))
        heapq.heappush(free, begin + done[number][1])
        assert done[number][0] == pytest.approx(begin + done[number][1], abs=1e-6)
        compared += 1
    assert compared > 1000


def test_time_worked_is_the_hours_of_the_resolved_and_of_those_in_work():
    clock, d, events = desk(poisson(per_month=60.0))
    play(clock, 12 * MONTH_S)
    resolved_h = sum(e[5] for e in of_kind(events, "incident_resolved"))
    begun_h = d.worked_ns(clock.now) / 3600e9
    assert d.resolved == len(of_kind(events, "incident_resolved"))
    assert d.open == len(of_kind(events, "incident")) - d.resolved
    assert resolved_h <= begun_h <= resolved_h + 12 * MONTH_S / HOUR_S


def test_more_engineers_move_neither_incidents_nor_their_work():
    lives = []
    for engineers in (1, 5):
        clock, _, events = desk(poisson(per_month=80.0, engineers=engineers))
        play(clock, 6 * MONTH_S)
        came = [(e[0], e[2]) for e in of_kind(events, "incident")]
        lives.append((came, {e[2]: e[5] for e in of_kind(events, "incident_resolved")}))
    (came, hours), (came_5, hours_5) = lives
    assert came == came_5
    assert all(hours_5[number] == work for number, work in hours.items() if number in hours_5)


def test_twice_the_rate_brings_the_same_incidents_in_half_the_time_from_then_on():
    # given one life at 30 a month, and one that doubles after a month
    clock, _, events = desk(poisson())
    play(clock, 3 * MONTH_S)
    plain = [e[0] * HOUR_S for e in of_kind(events, "incident")]
    clock, d, events = desk(poisson())
    clock.call_at(to_ns(MONTH_S), Rank.PHASE, lambda: d.change(poisson(per_month=60.0)))
    play(clock, 2 * MONTH_S)
    doubled = [e[0] * HOUR_S for e in of_kind(events, "incident")]
    assert len(doubled) == len(plain)
    expected = [t if t <= MONTH_S else MONTH_S + (t - MONTH_S) / 2 for t in plain]
    assert doubled == pytest.approx(expected, abs=1e-6)


def test_incidents_may_begin_with_a_phase_and_end_with_one_which_leaves_no_work_undone():
    clock, d, events = desk(NoIncidents())
    clock.call_at(to_ns(MONTH_S), Rank.PHASE, lambda: d.change(poisson(per_month=300.0)))
    clock.call_at(to_ns(2 * MONTH_S), Rank.PHASE, lambda: d.change(NoIncidents()))
    play(clock, 12 * MONTH_S)
    times = [e[0] * HOUR_S for e in of_kind(events, "incident")]
    assert min(times) > MONTH_S
    assert max(times) < 2 * MONTH_S
    assert d.open == 0
    assert d.resolved == len(times) > 200
    assert d.rate_usd_per_h == 100.0


def test_a_wait_and_the_hours_of_work_are_told():
    clock, _, events = desk(poisson(per_month=100.0, cv=0.0))
    play(clock, MONTH_S)
    came = {e[2]: e[0] for e in of_kind(events, "incident")}
    for at, _, number, detail, _, hours in of_kind(events, "incident_resolved"):
        assert hours == 6.0  # a cv of 0 is no draw at all
        assert detail == f"waited {abs(at - 6.0 - came[number]):.1f} h"


def test_root_cause_work_is_a_fixed_cost():
    ledger = Ledger()
    incident_line(ledger, 86_400.0, 9 * HOUR_S, 100.0, "scale")
    incident_line(ledger, 86_400.0, 0.0, 100.0, "scale")
    frame = ledger.frame()
    assert frame[["account", "nature", "quantity", "unit", "amount_usd"]].values.tolist() == [
        ["rca", "fixed", 9.0, "h", 900.0]
    ]
    with pytest.raises(ValueError, match="cannot be paid"):
        incident_line(ledger, 0.0, -1.0, 100.0, "scale")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"per_month": 0}, "more than 0"),
        ({"per_month": -1}, "more than 0"),
        ({"per_month": "two a week"}, "not a number"),
        ({"hours": 0}, "more than 0"),
        ({"cv": 11}, "at most 10"),
        ({"engineers": 0}, "greater than or equal to 1"),
        ({"engineers": 1.5}, "not a whole number"),
        ({"rate": 100}, "without a unit"),
        ({"rate": "-1 USD/h"}, "at least 0"),
        ({"kind": "many"}, "many"),
        ({"mttr": "6 h"}, "not permitted"),
    ],
)
def test_what_makes_no_sense_is_refused(typed, message):
    node = {"kind": "poisson", "per_month": 1.5, "hours": 6, "cv": 1, "engineers": 1, "rate": "100 USD/h"} | typed
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(Incidents).validate_python(node, context={"door": True})
