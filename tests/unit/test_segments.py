"""The broken line: known breaks, slopes and jumps come back, none is made up, and its intervals hold what they say."""

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.analysis.cost_curve import cost_curve
from sim.analysis.segments import BrokenLine, broken_line
from sim.streams import Streams


def _stream(seed: int = 1) -> np.random.Generator:
    return Streams(seed).generator("cost_curve")


def _traffic(days: int, rng: np.random.Generator) -> np.ndarray:
    """ln(requests a day) of a product that grows fiftyfold, with weekdays."""
    day = np.arange(days)
    return 7 + 4 * day / days + 0.25 * np.sin(2 * np.pi * day / 7) + rng.normal(0, 0.05, days)


def _noise(days: int, sd: float, rho: float, rng: np.random.Generator) -> np.ndarray:
    """AR(1): innovations of standard deviation sd, each day keeps rho of the day before."""
    noise = rng.normal(0, sd, days)
    for day in range(1, days):
        noise[day] += rho * noise[day - 1]
    return noise


def _truth(x: np.ndarray, breaks: list[float], slopes: list[float]) -> np.ndarray:
    y = slopes[0] * x - 5
    for place, below, above in zip(breaks, slopes, slopes[1:]):
        y = y + (above - below) * np.maximum(x - place, 0)
    return y


def _one_mode(x: np.ndarray) -> np.ndarray:
    return np.zeros(len(x), dtype=np.int64)


def _fit(x: np.ndarray, y: np.ndarray, mode: np.ndarray | None = None, seed: int = 1) -> BrokenLine:
    line = broken_line(x, y, _one_mode(x) if mode is None else mode, _stream(seed))
    assert line is not None
    return line


@pytest.mark.parametrize(
    ("breaks", "slopes"),
    [([], [0.8]), ([9.0], [1.0, 0.5]), ([8.5, 10.0], [1.0, 0.5, 1.1]), ([8.0, 9.0, 10.0], [1.0, 0.4, 1.1, 0.6])],
)
def test_known_breaks_and_slopes_come_back(breaks: list[float], slopes: list[float]) -> None:
    rng = np.random.default_rng(3)
    x = _traffic(730, rng)
    line = _fit(x, _truth(x, breaks, slopes) + rng.normal(0, 0.02, len(x)))
    # 730 days of 2 % noise: the standard error of a break is about 0.02, that of a slope under 0.01
    assert [place.value for place in line.breaks] == pytest.approx(breaks, abs=0.1)
    assert [slope.value for slope in line.slopes] == pytest.approx(slopes, abs=0.04)


def test_without_noise_the_slopes_are_exact_and_beyond_doubt() -> None:
    x = _traffic(365, np.random.default_rng(3))
    line = _fit(x, 0.7 * x)
    assert line.breaks == ()
    assert line.slopes[0] == pytest.approx((0.7, 0.7, 0.7), abs=1e-9)


def test_a_bend_of_less_than_half_a_per_cent_is_none() -> None:
    # slopes 1 and 0.995: the curve leaves the straight line by 0.4 % at most
    x = _traffic(365, np.random.default_rng(3))
    assert _fit(x, _truth(x, [9.0], [1.0, 0.995])).breaks == ()


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_no_break_is_made_up_where_there_is_none(rho: float) -> None:
    # At a rate of 1 % at most 4 of 60 straight curves get a break with probability 0.9997 (binomial); with days
    # instead of weeks as observations about 13 do at rho 0.6.
    rng = np.random.default_rng(17)
    bent = 0
    for seed in range(60):
        x = _traffic(365, rng)
        bent += bool(_fit(x, 0.8 * x + _noise(365, 0.1, rho, rng), seed=seed).breaks)
    assert bent <= 4


def test_intervals_cover_the_truth() -> None:
    # 60 curves with AR(1) noise of 0.4, a break and a jump. At a true coverage of 92 % (400 curves gave 91 to 97 %)
    # a count is 48 or more with probability 0.998 (binomial); at 70 % that has probability 0.055.
    rng = np.random.default_rng(29)
    covered = dict.fromkeys(("break", "low slope", "high slope", "jump"), 0)
    for seed in range(60):
        x = _traffic(365, rng)
        mode = (np.arange(365) >= 150).astype(np.int64)
        y = _truth(x, [9.0], [1.0, 0.5]) + 0.7 * mode + _noise(365, 0.05, 0.4, rng)
        line = _fit(x, y, mode, seed)
        if len(line.breaks) != 1:
            continue
        found = (line.breaks[0], *line.slopes, line.jumps[0])
        for name, truth, (_, lo, hi) in zip(covered, (9.0, 1.0, 0.5, 0.7), found):
            covered[name] += lo <= truth <= hi
    assert min(covered.values()) >= 48, covered


def test_a_change_of_mode_is_a_jump_and_no_break() -> None:
    rng = np.random.default_rng(5)
    x = _traffic(365, rng)
    mode = np.repeat([0, 1, 2], [100, 150, 115])
    y = 0.8 * x + np.array([0.0, 0.5, -0.2])[mode] + rng.normal(0, 0.03, 365)
    line = _fit(x, y, mode)
    assert line.breaks == ()
    # 0.03 of noise over 4 months in which x moves by 1.3: a standard error of about 0.01
    assert [jump.value for jump in line.jumps] == pytest.approx([0.5, -0.7], abs=0.05)
    assert line.at(np.array([9.0]), 1)[0] - line.at(np.array([9.0]), 0)[0] == pytest.approx(line.jumps[0].value)


def test_noise_of_a_small_phase_does_not_widen_what_a_large_phase_says() -> None:
    rng = np.random.default_rng(5)
    x = _traffic(730, rng)
    y = _truth(x, [9.0], [1.0, 0.5]) + rng.normal(0, np.where(x < 8.5, 0.3, 0.01))
    line = _fit(x, y)
    reach = [slope.hi - slope.value for slope in line.slopes]
    assert reach[0] > 3 * reach[-1]  # 30 times the noise over half the range; one spread for all would make it 0.5


def test_same_stream_same_bytes_and_the_unit_of_money_moves_nothing() -> None:
    rng = np.random.default_rng(5)
    x = _traffic(365, rng)
    y = _truth(x, [9.0], [1.0, 0.5]) + rng.normal(0, 0.1, 365)
    assert _fit(x, y) == _fit(x, y)
    in_cents = _fit(x, y + math.log(100))
    assert in_cents.slopes[1] == pytest.approx(_fit(x, y).slopes[1])
    assert in_cents.breaks == _fit(x, y).breaks


def test_too_few_weeks_for_the_modes_give_no_line() -> None:
    x = _traffic(35, np.random.default_rng(5))
    assert broken_line(x, x, np.repeat([0, 1], [17, 18]), _stream()) is not None
    assert broken_line(x[:28], x[:28], np.repeat([0, 1], [14, 14]), _stream()) is None


# --- the cost curve of a life, as the summary has it

MODES = {"poc": "api", "mvp": "api", "production": "pool", "scale": "pool"}


def _life(rng: np.random.Generator) -> pd.DataFrame:
    """Two years: an API at 3e-4 USD a request, from day 243 on machines whose cost grows by the power of 0.5."""
    day = np.arange(730)
    phase = np.select([day < 90, day < 243, day < 455], ["poc", "mvp", "production"], "scale")
    exposure = np.select([day < 90, day < 243, day < 455], [0.02, 0.15, 0.6], 1.0)
    requests = rng.poisson(17_000 * exposure * 10 / (1 + 9 ** (1 - day / 365))).astype(np.float64)
    machines = 0.2 * requests**0.5 * np.exp(rng.normal(0, 0.02, 730))
    return pd.DataFrame({
        "day": pd.date_range("2026-01-01", periods=730), "phase": phase, "complete": True, "offered": requests,
        "serving_usd": np.where(day < 243, 3e-4 * requests, machines), "fixed_usd": 100.0,
    })  # fmt: skip


def _curve(days: pd.DataFrame, modes: dict[str, str] = MODES) -> dict[str, Any]:
    return cost_curve(days, modes, _stream())


def test_a_bend_within_a_gap_of_traffic_spans_the_gap_and_the_jump_is_measured_there() -> None:
    days = _life(np.random.default_rng(4))
    curve = _curve(days)
    below = days.loc[days["phase"] == "mvp", "offered"].max()
    above = days.loc[days["phase"] == "production", "offered"].min()
    (place,) = curve["breaks"]
    assert place["lo"] == pytest.approx(below)
    assert place["hi"] == pytest.approx(above)
    middle = math.sqrt(below * above)
    assert place["requests_per_day"] == pytest.approx(middle)
    assert [slope["value"] for slope in curve["slopes"]] == pytest.approx([1.0, 0.5], abs=0.02)
    (jump,) = curve["jumps"]
    assert (jump["phase"], jump["before"], jump["after"]) == ("production", "api", "pool")
    assert jump["requests_per_day"] == pytest.approx(middle)
    # machines at 2 % noise, extrapolated over the gap
    assert jump["factor"] == pytest.approx(0.2 * middle**0.5 / (3e-4 * middle), rel=0.03)
    assert jump["lo"] < jump["factor"] < jump["hi"]
    assert curve["days"] == 730


def test_the_fitted_lines_lie_on_the_days_and_meet_the_slopes_ends() -> None:
    days = _life(np.random.default_rng(4))
    curve = _curve(days)
    assert [(line["serving"], line["phases"]) for line in curve["lines"]] == [
        ("api", ["poc", "mvp"]), ("pool", ["production", "scale"]),
    ]  # fmt: skip
    for point in curve["lines"][0]["points"]:
        assert point["serving_usd"] == pytest.approx(3e-4 * point["requests_per_day"], rel=0.01)
    assert curve["slopes"][0]["from"] == pytest.approx(days["offered"].min())
    assert curve["slopes"][-1]["to"] == pytest.approx(days["offered"].max())
    assert curve["slopes"][0]["to"] == curve["breaks"][0]["requests_per_day"] == curve["slopes"][1]["from"]
    json.dumps(curve, allow_nan=False)


def test_days_that_are_cut_or_empty_do_not_count_and_a_short_mode_is_left_out_and_said() -> None:
    days = _life(np.random.default_rng(4))
    days.loc[days.index[:5], "complete"] = False
    days.loc[days.index[300], "serving_usd"] = 0.0
    days.loc[days.index[-10:], "phase"] = "after"
    curve = _curve(days, MODES | {"after": "committed"})
    assert curve["days"] == 730 - 5 - 1 - 10
    assert curve["note"] == "1 day without variable cost left out; after (10 complete days) left out"
    assert [jump["after"] for jump in curve["jumps"]] == ["pool"]


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (_life(np.random.default_rng(4))[:27], "27 complete days, at least 28 needed"),
        (_life(np.random.default_rng(4))[:0], "0 complete days, at least 28 needed"),
        (_life(np.random.default_rng(4)).assign(offered=5.0), "ln(requests a day) spans 0, at least 0.2 needed"),
    ],
)
def test_without_days_enough_there_is_no_curve_and_it_says_why(days: pd.DataFrame, reason: str) -> None:
    curve = _curve(days)
    assert curve["reason"] == reason
    assert (curve["breaks"], curve["slopes"], curve["jumps"], curve["lines"]) == ([], [], [], [])
