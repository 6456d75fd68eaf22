"""Cron expressions as KEDA's library reads them, and the spells between a start and an end."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policy.autoscaling.cron import schedule, spell

NEW_YORK, LONDON = ZoneInfo("America/New_York"), ZoneInfo("UTC")
S = 10**9


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * S


def following(text: str, moment: str, zone: ZoneInfo = LONDON) -> datetime:
    """The next time of an expression, in UTC."""
    when = datetime.fromisoformat(moment)
    found = schedule(text).after(ns(when if when.tzinfo else when.replace(tzinfo=zone)), zone)
    return datetime.fromtimestamp(found // S, UTC)


# robfig/cron v3, spec_test.go, TestNext: those without seconds
@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2012-07-09 14:45", "0/15 * * * *", "2012-07-09 15:00"),
        ("2012-07-09 14:59:59", "0/15 * * * *", "2012-07-09 15:00"),
        ("2012-07-09 15:45", "20-35/15 * * * *", "2012-07-09 16:20"),
        ("2012-07-09 23:46", "*/15 * * * *", "2012-07-10 00:00"),
        ("2012-07-09 23:45", "20-35/15 * * * *", "2012-07-10 00:20"),
        ("2012-07-09 23:35", "0 0 9 Apr-Oct ?", "2012-08-09 00:00"),
        ("2012-07-09 23:35", "0 0 */5 Apr,Aug,Oct Mon", "2012-08-01 00:00"),
        ("2012-07-09 23:35", "0 0 */5 Oct Mon", "2012-10-01 00:00"),
        ("2012-07-09 23:35", "0 0 * Feb Mon", "2013-02-04 00:00"),
        ("2012-07-09 23:35", "0 0 * Feb Mon/2", "2013-02-01 00:00"),
        ("2012-12-31 23:59:45", "* * * * *", "2013-01-01 00:00"),
        ("2012-07-09 23:35", "0 0 29 Feb ?", "2016-02-29 00:00"),
    ],
)
def test_the_next_time_is_that_of_upstreams_table(now: str, text: str, expected: str) -> None:
    assert following(text, now) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


# the same table, in New York: an hour that is left out, and one that comes twice
@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2012-03-11T00:00:00-05:00", "30 2 11 Mar ?", "2013-03-11T02:30:00-04:00"),
        ("2012-11-04T00:00:00-04:00", "30 2 04 Nov ?", "2012-11-04T02:30:00-05:00"),
        ("2012-11-04T00:00:00-04:00", "30 1 04 Nov ?", "2012-11-04T01:30:00-04:00"),
        ("2012-11-04T01:45:00-04:00", "30 1 04 Nov ?", "2012-11-04T01:30:00-05:00"),
    ],
)
def test_daylight_saving_leaves_times_out_and_repeats_others(now: str, text: str, expected: str) -> None:
    assert following(text, now, NEW_YORK) == datetime.fromisoformat(expected)


# robfig/cron v3, spec_test.go, TestActivation: the two kinds of day
@pytest.mark.parametrize(
    ("day", "text", "comes"),
    [
        ("2012-07-15", "0 0 1,15 * Sun", True),
        ("2012-06-15", "0 0 1,15 * Sun", True),
        ("2012-08-01", "0 0 1,15 * Sun", True),
        ("2012-07-15", "0 0 */10 * Sun", True),
        ("2012-07-15", "0 0 * * Mon", False),
        ("2012-07-09", "0 0 1,15 * *", False),
        ("2012-07-15", "0 0 1,15 * *", True),
        ("2012-07-15", "0 0 */2 * Sun", True),
    ],
)
def test_two_days_that_are_both_restricted_need_but_one(day: str, text: str, comes: bool) -> None:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    assert (following(text, (at - timedelta(seconds=1)).isoformat()) == at) == comes


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("* * * *", "4 fields"),
        ("0 0 * * * *", "6 fields"),
        ("@daily", "1 fields"),
        ("60 * * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 0 0 * *", "day of the month"),
        ("0 0 * 13 *", "month"),
        ("0 0 * * 7", "sun to sat"),
        ("0 0 * * funday", "day of the week"),
        ("20-10 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("*/x * * * *", "step"),
        ("1,,2 * * * *", "minute"),
        ("0 0 31 4 *", "would never come"),
        ("0 0 30 feb ?", "would never come"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        schedule(text)


# one minute, hour, day of the week: what comes next can be found by trying each minute of a week
@settings(max_examples=25, deadline=None)
@given(
    minute=st.integers(0, 59), hour=st.integers(0, 23), weekday=st.integers(0, 6),
    now_s=st.integers(1_583_000_000, 1_620_000_000), zone=st.sampled_from(["UTC", "Asia/Kolkata", "Europe/Berlin"]),
)  # fmt: skip
def test_nothing_is_passed_over(minute: int, hour: int, weekday: int, now_s: int, zone: str) -> None:
    place = ZoneInfo(zone)
    got = schedule(f"{minute} {hour} * * {weekday}").after(now_s * S, place) // S
    first = (now_s // 60 + 1) * 60
    for at_s in range(first, first + 15 * 86_400, 60):  # a week, or two where daylight saving left it out
        local = datetime.fromtimestamp(at_s, place)
        if (local.minute, local.hour, local.isoweekday() % 7) == (minute, hour, weekday):
            assert got == at_s
            return
    raise AssertionError("nothing within two weeks")


def test_a_spell_lasts_from_its_start_to_before_its_end() -> None:
    at = datetime(2026, 7, 1, 6, 0, tzinfo=ZoneInfo("Asia/Kolkata"))

    def seen(hours: float) -> tuple[bool, float]:
        moment = ns(at) + int(hours * 3600 * S)
        found = spell("0 6 * * *", "0 20 * * *", "Asia/Kolkata", moment)
        return found.active, (found.until_ns - ns(at)) / S / 3600

    assert seen(-1 / 3600) == (False, 0.0)
    assert seen(0.0) == (True, 14.0)
    assert seen(13.999) == (True, 14.0)
    assert seen(14.0) == (False, 24.0)


def test_a_spell_may_go_on_over_midnight_and_over_days() -> None:
    friday = ns(datetime(2026, 7, 3, 23, 0, tzinfo=UTC))  # a Friday
    over = spell("0 22 * * *", "0 4 * * *", "UTC", friday)
    assert over == (True, friday + 5 * 3600 * S)
    weekend = spell("0 18 * * fri", "0 6 * * mon", "UTC", friday)
    assert weekend == (True, friday + (1 + 48 + 6) * 3600 * S)
