"""The parts that the compiled path is made of, against their plain meanings: least key, least number, bucket."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.record.histogram import STEPS, bucket_of
from sim.serving.kernels.idle import least, put_in, take_out
from sim.serving.kernels.state import NEVER
from sim.serving.kernels.tournament import plant, replay

keys = st.one_of(st.integers(0, 3), st.just(NEVER))


@given(st.sampled_from([2, 4, 8, 32]), st.data())
def test_the_root_of_a_tournament_is_the_first_of_the_least_keys(leaves, data):
    first, offset = 3, 5
    held = np.full(first + leaves, -1)
    held[first:] = data.draw(st.lists(keys, min_size=leaves, max_size=leaves))
    winners = np.full(offset + 2 * leaves, -1, np.int32)
    plant(winners, offset, leaves, held, first)
    assert winners[offset + 1] == np.argmin(held[first:])
    for leaf, key in data.draw(st.lists(st.tuples(st.integers(0, leaves - 1), keys), max_size=20)):
        held[first + leaf] = key
        replay(winners, offset, leaves, held, first, leaf)
        assert winners[offset + 1] == np.argmin(held[first:])


@given(st.sampled_from([1, 2, 32, 33, 64, 1024, 1025, 2048, 70_000]), st.data())
def test_an_idle_set_knows_its_least_number(size, data):
    offset = 2
    words, numbers = np.zeros(offset + 2 * max(2, size), np.int64), set()
    assert least(words, offset, size) == -1
    edges = st.sampled_from(sorted({0, size - 1, min(31, size - 1), min(32, size - 1), size // 2}))
    number = st.one_of(edges, st.integers(0, size - 1))
    for x, put in data.draw(st.lists(st.tuples(number, st.booleans()), max_size=40)):
        (put_in if put else take_out)(words, offset, size, x)
        numbers = numbers | {x} if put else numbers - {x}
        assert least(words, offset, size) == min(numbers, default=-1)
    assert not words[:offset].any()


@given(st.one_of(st.integers(1, 2**63 - 1), st.integers(0, 62).map(lambda e: 2**e), st.integers(1, 500)))
def test_a_bucket_is_the_exponent_and_the_first_six_bits_of_the_mantissa(latency_ns):
    mantissa, exponent = math.frexp(float(latency_ns))
    assert bucket_of(latency_ns) == (exponent - 1) * STEPS + int((mantissa - 0.5) * (2 * STEPS))
