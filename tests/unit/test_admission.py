"""Token buckets: what conforms, tenant by tenant, beside a bucket that counts its content; and what may be typed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.serving.admission import Admission, TokenBucket
from sim.serving.exact import ExactPlane
from sim.serving.kernels.state import THROTTLED
from sim.serving.parameters import Api, ApiLatency
from sim.serving.reference import ReferencePlane
from sim.serving.rows import api_row
from sim.serving.steering import Steering, Traffic
from sim.streams import Streams

API = api_row(
    Api(
        name="test", latency=ApiLatency(median_s=1e-9, cv=0.0), request_usd=0.0, prompt_usd_per_mtok=0.0,
        output_usd_per_mtok=0.0, source="test",
    )
)  # fmt: skip
HOUR = 3600 * 10**9


def throttled(arrival_ns, tenant, limits, engine=ExactPlane, tenants=3):
    """Which arrivals are throttled. limits: (from when, ns a token, tokens), in order of time."""
    clock, streams = Clock(), Streams(1)
    traffic = [Traffic(streams.key("exposure/main"), streams.key("service/main"), tenants=tenants)]
    plane = engine(clock, [API], traffic, log=True)
    arrivals = np.array(arrival_ns, np.int64)
    for t, token_ns, burst in limits:
        steering = Steering(0, 1.0, HOUR, HOUR, token_ns=token_ns, burst=burst)
        clock.call_at(t, Rank.PHASE, lambda steering=steering: plane.steer(0, steering))
    clock.call_at(0, Rank.CLOSE, lambda: plane.offer(0, 0, arrivals, None, None, None, np.array(tenant, np.int32)))
    clock.play(plane.advance, clock.at(int(arrivals[-1]) + 10, Rank.REVIEW))
    log = plane.take_log()
    log = log[np.argsort(log["request"])]
    assert len(log) == len(arrivals)
    assert int(plane.workloads[0]["throttled"]) == int((log["outcome"] == THROTTLED).sum())
    late = log[log["outcome"] == THROTTLED]
    assert (late["end_ns"] == late["arrival_ns"]).all()
    return (log["outcome"] == THROTTLED).tolist()


def counted_bucket(arrival_ns, tenant, token_ns, burst):
    """The same by counting content: it drips in by one unit a nanosecond, a token is token_ns units."""
    content, last, refused = {}, {}, []
    for t, who in zip(arrival_ns, tenant, strict=True):
        full = burst * token_ns
        held = min(full, content.get(who, full) + t - last.get(who, 0))
        refused.append(held < token_ns)
        content[who], last[who] = held if held < token_ns else held - token_ns, t
    return refused


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), min_size=1, max_size=200),
    st.integers(1, 60), st.integers(1, 6),
)  # fmt: skip
def test_a_bucket_refuses_exactly_what_a_counted_bucket_refuses(steps, token_ns, burst):
    arrivals, tenant = np.cumsum([gap for gap, _ in steps]).tolist(), [who for _, who in steps]

    assert throttled(arrivals, tenant, [(0, token_ns, burst)]) == counted_bucket(arrivals, tenant, token_ns, burst)


@pytest.mark.parametrize("engine", [ExactPlane, ReferencePlane])
def test_a_full_bucket_lets_a_burst_in_and_then_one_a_period(engine):
    arrivals = [0] * 5 + [99, 100, 100, 250, 300]

    refused = throttled(arrivals, [0] * 10, [(0, 100, 3)], engine)

    assert refused == [False] * 3 + [True] * 2 + [True, False, True, False, False]


def test_one_tenants_burst_takes_nothing_from_another():
    arrivals, tenant = [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 1, 2]

    assert throttled(arrivals, tenant, [(0, 1000, 2)]) == [False, False, True, True, False, False]


def test_new_limits_find_the_bucket_as_it_was_left():
    arrivals = [0, 0, 0, 60, 60, 260]

    # two tokens are taken at 0; at 50 each tenant may have three, of 100 ns each: one more may come, until 100 ns later
    refused = throttled(arrivals, [0] * 6, [(0, 100, 2), (50, 100, 3)])

    assert refused == [False, False, True, False, True, False]


def test_without_a_bucket_nobody_is_refused_and_the_bucket_stays_as_it_was():
    arrivals = [0, 0, 10, 10, 30, 100]

    refused = throttled(arrivals, [0] * 6, [(0, 100, 1), (5, 0, 0), (20, 100, 1)])

    assert refused == [False, True, False, False, True, False]


def test_tokens_of_years_and_bursts_of_millions_do_not_overflow():
    century = 100 * 365 * 24 * HOUR

    assert throttled([century] * 4, [0] * 4, [(0, 86_400_000 * 10**9, 10**9)]) == [False] * 4


@pytest.mark.parametrize("engine", [ExactPlane, ReferencePlane])
@pytest.mark.parametrize("tenant", [-1, 3])
def test_a_tenant_without_a_bucket_is_an_error(engine, tenant):
    with pytest.raises(ValueError, match=f"tenants {tenant} to {tenant} where there are 3"):
        throttled([5], [tenant], [(0, 100, 1)], engine)


def test_a_bucket_is_typed_with_its_unit():
    typed = {"kind": "token_bucket", "rate": "30 req/min", "burst": 5}

    bucket = TypeAdapter(Admission).validate_python(typed, context={"door": True})

    assert bucket == TokenBucket(rate_per_s=0.5, burst=5)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rate": "0 req/s"}, "let everybody in type admission: {kind: none}"),
        ({"rate": "2000000 req/s"}, "at most 1,000,000 req/s"),
        ({"rate": "1 req/week"}, '"req/week" is not a unit of a rate'),
        ({"rate": 2}, "a number without a unit"),
        ({"burst": 0}, "greater than or equal to 1"),
        ({"burst": 1.5}, "not a whole number"),
        ({"kind": "leaky_bucket"}, "token_bucket"),
        ({"tokens": 3}, "Extra inputs"),
    ],
)
def test_bad_limits_are_refused(changed, said):
    typed = {"kind": "token_bucket", "rate": "2 req/s", "burst": 5} | changed

    with pytest.raises(ValidationError, match=said.replace("{", r"\{")):
        TypeAdapter(Admission).validate_python(typed, context={"door": True})


@pytest.mark.parametrize(
    "limits",
    [{"token_ns": -1}, {"token_ns": 5, "burst": 0}, {"cache_entries": -1}, {"hit_ns": -1}, {"ttl_ns": 0}],
)
def test_a_plane_is_not_steered_to_what_cannot_be(limits):
    with pytest.raises(ValueError):
        Steering(0, 1.0, HOUR, HOUR, **limits)
