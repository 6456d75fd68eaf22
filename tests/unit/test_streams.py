"""Named, counter-based random numbers: the published generator, the right distributions, no order dependence."""

import numpy as np
import pytest
from scipy import stats

from sim.compiled import kernel
from sim.streams import Purpose, Streams, normal_quantile, philox, uniform_pair

PHILOX, PAIR, QUANTILE = kernel(philox), kernel(uniform_pair), kernel(normal_quantile)

# Random123's kat_vectors (D. E. Shaw Research): counter, key -> answer of philox4x32-10
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text):
    return [np.uint64(int(word, 16)) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_gives_the_published_answers(counter, key, answer):
    assert [int(w) for w in PHILOX(*words(counter), *words(key))] == [int(w) for w in words(answer)]


def test_uniforms_are_uniform_and_independent_of_each_other():
    key = Streams(3).key("test")
    draws = np.array([PAIR(key, i, 0, int(Purpose.SERVICE)) for i in range(20_000)])
    assert ((draws > 0.0) & (draws < 1.0)).all()
    # a true generator fails each of these once in ten thousand seeds
    for column in draws.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
    grid, *_ = np.histogram2d(*draws.T, bins=10, range=[[0, 1], [0, 1]])
    assert stats.chisquare(grid.ravel()).pvalue > 1e-4


def test_normal_quantile_agrees_with_scipy():
    # every probability that a 52-bit uniform can be lies in between
    p = np.concatenate([np.geomspace(2.0**-53, 0.5, 400), 1 - np.geomspace(2.0**-53, 0.5, 200)])
    ours = np.array([QUANTILE(float(x)) for x in p])
    np.testing.assert_allclose(ours, stats.norm.ppf(p), rtol=1e-13, atol=1e-15)


def test_a_draw_depends_on_seed_replication_name_request_attempt_and_purpose_alone():
    base = PAIR(Streams(1).key("a"), 5, 0, 0)
    assert base == PAIR(Streams(1).key("a"), 5, 0, 0)
    others = [
        PAIR(Streams(2).key("a"), 5, 0, 0), PAIR(Streams(1, 1).key("a"), 5, 0, 0), PAIR(Streams(1).key("b"), 5, 0, 0),
        PAIR(Streams(1).key("a"), 6, 0, 0), PAIR(Streams(1).key("a"), 5, 1, 0), PAIR(Streams(1).key("a"), 5, 0, 1),
    ]  # fmt: skip
    assert len({base, *others}) == 7


def test_replication_zero_is_the_run_without_replications():
    assert Streams(9).key("x") == Streams(9, 0).key("x")
