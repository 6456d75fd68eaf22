"""Civil time: daylight saving, leap years, months and the hours of the week."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.clock.calendar import NS_PER_DAY, NS_PER_S, Calendar, span_ns

HOUR = 3600 * NS_PER_S
PARIS = "Europe/Paris"


def days(calendar: Calendar) -> list[float]:
    marks = [0, *calendar.day_starts(), calendar.horizon_ns]
    return [(b - a) / HOUR for a, b in pairwise(marks)]


def test_a_day_has_23_hours_when_clocks_go_forward_and_25_when_they_go_back():
    spring = Calendar(datetime(2026, 3, 28), PARIS, 3 * NS_PER_DAY - HOUR)
    autumn = Calendar(datetime(2026, 10, 24), PARIS, 3 * NS_PER_DAY + HOUR)

    assert days(spring) == [24, 23, 24]
    assert days(autumn) == [24, 25, 24]


def test_a_zone_without_daylight_saving_has_days_of_24_hours():
    assert set(days(Calendar(datetime(2026, 1, 1), "UTC", 365 * NS_PER_DAY))) == {24}


def test_the_hour_of_the_week_is_civil():
    calendar = Calendar(datetime(2026, 3, 29), PARIS, 2 * NS_PER_DAY)  # a Sunday; clocks go forward at 2:00

    assert calendar.hour_of_week(0) == 6 * 24
    assert calendar.hour_of_week(HOUR) == 6 * 24 + 1
    assert calendar.hour_of_week(2 * HOUR) == 6 * 24 + 3
    assert calendar.hour_of_week(23 * HOUR) == 0


def test_months_begin_on_their_first_civil_instant():
    calendar = Calendar(datetime(2026, 1, 15, 12), PARIS, 120 * NS_PER_DAY)

    assert [calendar.civil(t).strftime("%d %b %H:%M") for t in calendar.month_starts()] == [
        "01 Feb 00:00", "01 Mar 00:00", "01 Apr 00:00", "01 May 00:00",
    ]  # fmt: skip


def test_the_start_itself_is_no_boundary_and_neither_is_the_end():
    calendar = Calendar(datetime(2026, 1, 1), "UTC", 2 * NS_PER_DAY)

    assert calendar.day_starts() == [NS_PER_DAY]
    assert calendar.month_starts() == []


@pytest.mark.parametrize(
    ("start", "text", "expected"),
    [
        (datetime(2026, 1, 1), "24 months", timedelta(days=730)),
        (datetime(2024, 1, 1), "1 year", timedelta(days=366)),
        (datetime(2026, 1, 31), "1 month", timedelta(days=28)),
        (datetime(2026, 3, 1), "1 month", timedelta(days=31, hours=-1)),
        (datetime(2026, 10, 1), "1 month", timedelta(days=31, hours=1)),
    ],
)
def test_civil_spans_have_the_length_that_the_calendar_gives_them(start, text, expected):
    assert span_ns(start, PARIS, text) == expected // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize("text", ["88 d", "90 s", "months", "-3 months", "1.5 years"])
def test_other_text_is_no_civil_span(text):
    assert span_ns(datetime(2026, 1, 1), PARIS, text) is None


def test_a_date_means_its_first_instant_and_an_aware_moment_itself():
    calendar = Calendar(datetime(2026, 1, 1), PARIS, 365 * NS_PER_DAY)

    assert calendar.ns(date(2026, 1, 2)) == NS_PER_DAY
    assert calendar.ns(datetime(2026, 1, 1, 0, tzinfo=UTC)) == HOUR


@given(seconds=st.integers(0, 100 * 365 * 86_400), zone=st.sampled_from(["UTC", PARIS, "Asia/Kathmandu"]))
def test_a_civil_moment_is_found_again(seconds, zone):
    calendar = Calendar(datetime(1998, 4, 30, 21, 30), zone, 2**62)

    assert calendar.ns(calendar.civil(seconds * NS_PER_S)) in (seconds * NS_PER_S, seconds * NS_PER_S + HOUR)
    assert calendar.ns(calendar.civil(seconds * NS_PER_S).astimezone(UTC)) == seconds * NS_PER_S
