"""Turning points of a run as its summary states them: the month in which variable cost takes over, and the breaks."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sim.clock.calendar import MONTHS, NS_PER_S
from sim.report.facts import Facts


class Crossing(NamedTuple):
    """The civil month from which on variable cost leads for good.

    month: counted from 1; label: March 2027; at_s: its beginning; lo_s, hi_s: beginnings of the first and the last
    month of its 95 % interval, the run's end where that lies beyond (both at_s where there is no interval); interval:
    that interval in words.
    """

    month: int
    label: str
    at_s: float
    lo_s: float
    hi_s: float
    interval: str


def crossing(facts: Facts) -> Crossing | None:
    """Where variable cost overtakes fixed for good; None where it does not."""
    said = facts.summary["crossover"]
    if said["month"] is None:
        return None
    month, lo, hi = said["month"], said["lo"], said["hi"]
    at_s = _month_start_s(facts, month)
    if lo is None:
        return Crossing(month, str(said["label"]), at_s, at_s, at_s, "no interval: too few days")
    hi_s = facts.horizon_s if hi is None else _month_start_s(facts, hi)
    return Crossing(month, str(said["label"]), at_s, _month_start_s(facts, lo), hi_s, _range(facts, lo, hi))


def _range(facts: Facts, lo: int, hi: int | None) -> str:
    """95 % sure: February to April 2027; February 2027 or later; nothing more where it is one month."""
    begin = month_label(facts, lo)
    if hi is None:
        return f"95 % sure: {begin} or later, perhaps beyond this run"
    end = month_label(facts, hi)
    if lo == hi:
        return "95 % sure"
    (month, year), last_year = begin.split(), end.split()[1]
    return f"95 % sure: {month if year == last_year else begin} to {end}"


def no_crossing(facts: Facts) -> str:
    """Why there is no month in which variable cost takes over; empty where there is one."""
    return str(facts.summary["crossover"].get("reason", ""))


def breaks(facts: Facts) -> list[Mapping[str, Any]]:
    """The break points of the cost curve, by traffic: requests_per_day, lo, hi."""
    return list(facts.summary["cost_curve"].get("breaks") or [])


def jumps(facts: Facts) -> list[Mapping[str, Any]]:
    """Jumps of the cost level where the way of serving changes: phase, factor, lo, hi."""
    return list(facts.summary["cost_curve"].get("jumps") or [])


def fitted_lines(facts: Facts) -> list[Mapping[str, Any]]:
    """The fitted cost curve of each stretch of one way of serving: serving, phases, points (requests, USD a day)."""
    return list(facts.summary["cost_curve"].get("lines") or [])


def curve_note(facts: Facts) -> str:
    """Why no curve could be fitted to all days, in a sentence; empty where one was."""
    reason = facts.summary["cost_curve"].get("reason")
    return f"No line is fitted to all days: {reason}." if reason else ""


def month_label(facts: Facts, month: int) -> str:
    """The civil month of the run counted from 1: March 2027."""
    moment = facts.calendar.civil(round(_month_start_s(facts, month) * NS_PER_S))
    return f"{MONTHS[moment.month - 1]} {moment.year}"


def _month_start_s(facts: Facts, month: int) -> float:
    starts = [0, *facts.calendar.month_starts()]
    return starts[min(max(month, 1), len(starts)) - 1] / NS_PER_S
