"""Numbers as people read them."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.report import numbers

TELLERS = (
    numbers.three, numbers.many, numbers.usd, numbers.duration, numbers.share, numbers.rate, numbers.slope,
    numbers.step,
)  # fmt: skip


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (numbers.three(1_234_567), "1,230,000"),
        (numbers.three(999.9), "1,000"),
        (numbers.three(12.04), "12.0"),
        (numbers.three(2.0), "2"),
        (numbers.three(0.00123), "0.00123"),
        (numbers.three(0.0), "0"),
        (numbers.three(1.234e18), "1.23e+18"),
        (numbers.three(-45.678, "req/s"), "-45.7 req/s"),
        (numbers.whole(1_352_804_107), "1,352,804,107"),
        (numbers.many(8_819), "8,819"),
        (numbers.many(19_366), "19,366"),
        (numbers.many(184_144), "184,000"),
        (numbers.many(49_812_345), "49.8 million"),
        (numbers.many(999_999_999), "1.00 billion"),
        (numbers.usd(12_400), "$12.4k"),
        (numbers.usd(1_020_000), "$1.02M"),
        (numbers.usd(999_999), "$1.00M"),
        (numbers.usd(0.5), "$0.50"),
        (numbers.usd(182), "$182"),
        (numbers.usd(0.00031), "$0.00031"),
        (numbers.usd(-5_000), "-$5k"),
        (numbers.duration(0.182), "182 ms"),
        (numbers.duration(1.243), "1.24 s"),
        (numbers.duration(90.0), "90 s"),
        (numbers.duration(3600.0), "1 h"),
        (numbers.duration(300.0), "5 min"),
        (numbers.duration(0.00042), "420 µs"),
        (numbers.duration(10 * 86_400.0), "10 d"),
        (numbers.share(0.0031), "0.31 %"),
        (numbers.share(0.99994), "99.994 %"),
        (numbers.share(0.97), "97 %"),
        (numbers.share(1.0), "100 %"),
        (numbers.share(0.0), "0 %"),
        (numbers.rate(4.2), "4.2 req/s"),
        (numbers.rate(12.3 / 60), "12.3 req/min"),
        (numbers.rate(0.0), "0 req/s"),
        (numbers.slope(0.6271), "0.627"),
        (numbers.slope(-0.0001), "0"),
        (numbers.between(0.33, 1.2), "0.330 to 1.2"),
        (numbers.step(86_400.0), "day"),
        (numbers.step(21_600.0), "6 h"),
    ],
)
def test_a_number_is_told_with_three_digits_and_its_unit(told: str, expected: str) -> None:
    assert told == expected


@pytest.mark.parametrize("tell", TELLERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_dash(tell: object, value: float) -> None:
    assert callable(tell)
    assert tell(value) == numbers.NONE


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_value_is_ever_told_as_nan_or_inf(value: float) -> None:
    for tell in TELLERS:
        assert not re.search(r"(?i)nan|inf(?!o)", tell(value).replace("min", ""))


@given(st.floats(min_value=1e-5, max_value=1e14))
def test_three_digits_are_within_half_a_per_cent(value: float) -> None:
    told = float(numbers.three(value).replace(",", ""))
    assert told == pytest.approx(value, rel=0.00501)


@given(st.floats(min_value=0.0, max_value=1.0, exclude_max=True))
def test_a_share_under_the_whole_is_never_told_as_100_per_cent_unless_beyond_any_use(value: float) -> None:
    if value < 1 - 1e-11:
        assert numbers.share(value) != "100 %"
