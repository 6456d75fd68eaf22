"""Units at the door: what a user types, what it becomes inside, and how it is printed back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sim.config import (
    Bytes,
    Count,
    LongSeconds,
    NonNegative,
    Parameters,
    PositiveSeconds,
    Rate,
    Seconds,
    Share,
    Usd,
    UsdPerGb,
    UsdPerGbMonth,
    UsdPerHour,
    UsdPerMtok,
    UsdPerYear,
)
from sim.config.units import MAX_LONG_SECONDS, span_text

DOOR = {"door": True}


def read(kind, value):
    return TypeAdapter(kind).validate_python(value, context=DOOR)


@pytest.mark.parametrize(
    ("kind", "typed", "inside"),
    [
        (Seconds, "90 s", 90.0),
        (Seconds, "15 min", 900.0),
        (Seconds, "24h", 86_400.0),
        (Seconds, "250 ms", 0.25),
        (Seconds, "0 s", 0.0),
        (Seconds, "1e3 s", 1000.0),
        (Seconds, "1_000 s", 1000.0),
        (Rate, "12 req/s", 12.0),
        (Rate, "40 req/min", 40 / 60),
        (Rate, "86400 req/day", 1.0),
        (UsdPerHour, "2.5 USD/h", 2.5),
        (UsdPerYear, "15000 USD/month", 180_000.0),
        (UsdPerMtok, "0.15 USD/Mtok", 0.15),
        (Bytes, "40 GB", 40e9),
        (Bytes, "2 KiB", 2048.0),
        (Share, "3 %", 0.03),
        (Share, 0.03, 0.03),
        (NonNegative, 1.5, 1.5),
        (Count, 8, 8),
    ],
)
def test_text_becomes_the_base_unit(kind, typed, inside):
    assert read(kind, typed) == pytest.approx(inside, rel=1e-15)


@pytest.mark.parametrize(
    ("kind", "typed", "words"),
    [
        (Seconds, 90, "without a unit"),
        (Seconds, "90", "without a unit"),
        (Seconds, "90 GB", '"GB" is not a unit'),
        (Seconds, "soon", "not a duration"),
        (Seconds, "-1 s", "at least 0"),
        (PositiveSeconds, "0 s", "more than 0"),
        (Seconds, True, "not a duration"),
        (Seconds, [1], "not a duration"),
        (Seconds, None, "not a duration"),
        (Seconds, "1e999 s", "finite"),
        (Rate, "12 req", '"12 req/s"'),
        (Share, "130 %", "at most 100 %"),
        (Count, 1.5, "whole number"),
        (Count, "eight", "whole number"),
    ],
)
def test_what_cannot_be_read_is_refused_with_an_example(kind, typed, words):
    with pytest.raises(ValidationError) as refused:
        read(kind, typed)

    assert words in str(refused.value)


MOST = {
    Seconds: 31_557_600.0, LongSeconds: 3_155_760_000.0, Rate: 1e9, Bytes: 1e18, Usd: 1e6, UsdPerHour: 1e6,
    UsdPerYear: 1e9, UsdPerGb: 1e6, UsdPerGbMonth: 1e6, UsdPerMtok: 1e6, NonNegative: 1e12, Share: 1.0,
}  # fmt: skip


@pytest.mark.parametrize(("kind", "most"), MOST.items())
def test_every_quantity_has_an_upper_end_that_its_message_names(kind, most):
    adapter = TypeAdapter(kind)

    assert adapter.validate_python(most) == most
    with pytest.raises(ValidationError, match="out of range") as refused:
        adapter.validate_python(most * 1.001)

    shown = refused.value.errors()[0]["ctx"]["error"].args[0].rstrip(".").split("at most ")[1]
    assert read(kind, shown) == most


@pytest.mark.parametrize("kind", [Seconds, Rate, Bytes, UsdPerHour, UsdPerYear, UsdPerMtok])
@given(share=st.floats(0.0, 1.0))
def test_what_is_printed_is_read_back_as_the_same_number(kind, share):
    adapter, number = TypeAdapter(kind), share * MOST[kind]

    text = adapter.dump_python(adapter.validate_python(number), mode="json")

    assert read(kind, text) == number


@given(number=st.floats(0.0, 1.0))
def test_any_share_is_printed_and_read_back(number):
    text = TypeAdapter(Share).dump_python(number, mode="json")

    assert read(Share, text) == number


@given(tenths=st.integers(0, 1000))
def test_a_percentage_is_printed_and_read_back(tenths):
    number = read(Share, f"{tenths / 10} %")

    text = TypeAdapter(Share).dump_python(number, mode="json")

    assert read(Share, text) == number


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"), (0.05, "50 ms"), (90.0, "1.5 min"), (3661.0, "3,661 s"), (90_000.0, "25 h"), (86_400.0, "1 d"),
        (0.1 + 0.2, "300 ms"), (0.0123456, "12.35 ms"), (86_399.9, "24 h"), (12_345.0, "3.429 h"), (5e-7, "500 ns"),
        (4_500_000.0, "1,250 h"), (3_155_760_000.0, "36,520 d"),
    ],
)  # fmt: skip
def test_a_duration_is_said_in_four_digits(seconds, text):
    assert span_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(90_000.0, "25 h"), (12_345.0, "205.75 min"), (86_399.9, "86,399.9 s"), (2_100_000.0, "35,000 min")],
)
def test_a_duration_to_be_typed_is_said_with_as_many_digits_as_it_takes(seconds, text):
    assert span_text(seconds, exact=True) == text


@given(seconds=st.floats(0.0, MAX_LONG_SECONDS))
def test_a_duration_to_be_typed_is_read_back_and_any_other_nearly_so(seconds):
    assert read(LongSeconds, span_text(seconds, exact=True)) == seconds
    assert read(LongSeconds, span_text(seconds)) == pytest.approx(seconds, rel=5e-4)  # half of the fourth digit


class Door(Parameters):
    """A class as a room would write it."""

    timeout_s: Seconds
    price_usd_per_h: UsdPerHour
    name: str


def test_a_field_is_typed_under_its_name_without_the_unit():
    door = Door.model_validate({"timeout": "2 min", "price": "1 USD/h", "name": "x"}, context=DOOR)

    assert (door.timeout_s, door.price_usd_per_h) == (120.0, 1.0)
    assert door == Door(timeout_s=120.0, price_usd_per_h=1.0, name="x")


def test_parameters_are_frozen_and_closed():
    door = Door(timeout_s=1.0, price_usd_per_h=1.0, name="x")

    with pytest.raises(ValidationError):
        door.timeout_s = 2.0
    with pytest.raises(ValidationError):
        Door(timeout_s=1.0, price_usd_per_h=1.0, name="x", colour="red")
