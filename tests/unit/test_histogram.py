"""Log-bucketed histograms: known relative error, quantiles as of the sorted values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.record.histogram import BUCKETS, RELATIVE_ERROR, bucket_of, bucket_value_s, quantiles_of_rows, quantiles_s


@given(st.integers(64, 2**62))
def test_the_middle_of_its_bucket_is_within_the_stated_error_of_any_latency(latency_ns):
    bucket = bucket_of(latency_ns)
    assert 0 <= bucket < BUCKETS
    middle_s = float(bucket_value_s(np.array([bucket]))[0])
    assert middle_s == pytest.approx(latency_ns * 1e-9, rel=RELATIVE_ERROR)


def test_the_stated_error_is_under_one_per_cent():
    assert RELATIVE_ERROR < 0.01


@given(st.integers(1, 2**60), st.integers(1, 2**60))
def test_buckets_keep_the_order_of_latencies(a, b):
    assert (bucket_of(a) <= bucket_of(b)) == (a <= b) or bucket_of(a) == bucket_of(b)


@given(st.lists(st.integers(1_000, 10**12), min_size=1, max_size=60), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_that_of_the_sorted_values(latencies, q):
    buckets = np.array([bucket_of(x) for x in latencies])
    exact_s = sorted(latencies)[max(1, int(np.ceil(q * len(latencies) - 1e-9))) - 1] * 1e-9
    assert quantiles_s(buckets, np.ones(len(buckets), np.int64), (q,))[0] == pytest.approx(exact_s, rel=RELATIVE_ERROR)


rows = st.lists(st.dictionaries(st.integers(0, 300), st.integers(1, 50), max_size=12), max_size=8)


@given(rows)
def test_quantiles_of_many_rows_are_those_of_each_row(histograms):
    ordered = [sorted(h.items()) for h in histograms]
    buckets = np.array([b for h in ordered for b, _ in h], np.int64)
    counts = np.array([c for h in ordered for _, c in h], np.int64)
    together = quantiles_of_rows(buckets, counts, np.array([len(h) for h in ordered], np.int64), (0.5, 0.99))
    for i, h in enumerate(ordered):
        b, c = np.array([b for b, _ in h], np.int64), np.array([c for _, c in h], np.int64)
        assert together[:, i] == pytest.approx(quantiles_s(b, c, (0.5, 0.99)), nan_ok=True)
