"""Queues of the exact engine beside their closed forms: impatience, priorities, loss, and batches."""

import math

import pytest

from experiments.estimates import ratio
from sim import load, simulate
from sim.analysis.queueing import (
    Class,
    cobham_waits_s,
    erlang_a,
    erlang_b,
    erlang_c,
    inoue_bounds,
    mmc_wait_s,
    mmck_loss,
    take_all_waiting,
    take_at_most,
)

ALPHA_S, TAU0_S = 0.1438e-3, 1.8874e-3  # NVIDIA V100, mixed precision (Inoue 2021)
LEVEL = 0.99  # of each interval
QUIET = ("pool=single_queue", "autoscaler=fixed", "phases=production", "admission=none", "cache=none", "learning=none",
         "value=none", "incidents=none")  # fmt: skip


def windows(*typed, horizon="37 h", interval="1 h", servers=8, **nodes):
    """Windows of one run after the first, which begins empty. One workload and one pool unless nodes say otherwise."""
    workload = {
        "timeout": "365 d", "growth": {"kind": "none"}, "seasonality": {"kind": "flat"}, "keys": {"kind": "unique"},
        "tenants": {"count": 1},
    } | nodes.pop("workload", {})  # fmt: skip
    scenario = load(
        "document_assistant", *QUIET, *typed, engine="exact", horizon=horizon, seed=1, record={"interval": interval},
        workload=workload, autoscaler={"replicas": servers}, **nodes,
    )  # fmt: skip
    series = simulate(scenario).timeseries
    return series[series["start_s"] > 0]


def exponential(mean_s, capacity=10_000_000, **queue):
    """A pool with exponential service."""
    service = {"base": "0 s", "per_item": f"{mean_s!r} s", "distribution": "exponential", "cv": 0}
    return {"service": service, "queue": {"capacity": capacity, **queue}}


def covers(above, below, expected):
    """Whether the interval of a ratio of sums over windows covers what is expected."""
    estimate = ratio(above.tolist(), below.tolist())
    return abs(estimate.value - expected) <= estimate.half_width(LEVEL)


# --- impatience


def birth_death(servers, arrival_per_s, service_s, patience_s, states=600):
    """P(wait), P(abandon) and mean wait of M/M/c+M from its stationary distribution, state by state."""
    shares = [1.0]
    for n in range(1, states):
        out = min(n, servers) / service_s + max(0, n - servers) / patience_s
        shares.append(shares[-1] * arrival_per_s / out)
    total = math.fsum(shares)
    queue = math.fsum((n - servers) * share for n, share in enumerate(shares) if n > servers) / total
    return math.fsum(shares[servers:]) / total, queue / arrival_per_s / patience_s, queue / arrival_per_s


@pytest.mark.parametrize(("rate", "patience_s"), [(6.8, 2.0), (12.0, 0.5), (3.0, 10.0)])
def test_erlang_a_is_its_birth_death_chain(rate, patience_s):
    found = erlang_a(8, rate, 1.0, patience_s)

    assert found[:3] == pytest.approx(birth_death(8, rate, 1.0, patience_s), rel=1e-12)


def test_endless_patience_is_erlang_c():
    found = erlang_a(8, 6.8, 1.0, 1e12)

    assert found.p_wait == pytest.approx(erlang_c(8, 6.8), rel=1e-9)
    assert found.wait_s == pytest.approx(mmc_wait_s(8, 6.8, 1.0), rel=1e-9)
    assert found.served_wait_s == pytest.approx(found.wait_s, rel=1e-9)


@pytest.mark.parametrize("rate", [6.8, 12.0])  # below and beyond what eight servers can do
def test_the_engine_loses_whom_erlang_a_loses(rate):
    expected = erlang_a(8, rate, 1.0, 2.0)

    seen = windows(
        workload={"rate": f"{rate} req/s", "patience": {"kind": "exponential", "mean": "2 s"}}, pool=exponential(1.0)
    )

    assert covers(seen["timed_out"], seen["offered"], expected.p_abandon)
    assert covers(seen["wait_sum_s"], seen["completed"], expected.served_wait_s)


def test_patience_has_no_say_once_a_request_is_served():
    # constant service of 1 s, patience of 10 ms: whoever finds a free server stays, whoever waits is lost (Erlang B)
    service = {"base": "1 s", "per_item": "0 s", "distribution": "constant", "cv": 0}
    seen = windows(
        workload={"rate": "0.5 req/s", "patience": {"kind": "constant", "mean": "1 ns"}}, servers=1,
        pool={"service": service}, horizon="65 h",
    )  # fmt: skip

    assert covers(seen["timed_out"], seen["offered"], 0.5 / 1.5)
    assert (seen["completed"] > 0).all()


# --- loss


def test_loss_with_no_room_and_with_one_server_is_the_textbooks():
    assert mmck_loss(8, 0, 6.8) == erlang_b(8, 6.8)
    assert mmck_loss(1, 4, 1.0) == pytest.approx(1 / 6)  # all six states of M/M/1/5 at load 1 are alike


def test_the_engine_rejects_whom_mmck_rejects():
    seen = windows(workload={"rate": "6.8 req/s"}, pool=exponential(1.0, capacity=3))

    assert covers(seen["rejected"], seen["offered"], mmck_loss(8, 3, 6.8))


# --- priorities


def test_cobham_of_one_class_is_pollaczek_khinchine():
    assert cobham_waits_s([Class(0.7, 1.0, 2.0)]) == pytest.approx([0.7 / 0.3])
    assert cobham_waits_s([Class(0.7, 1.0, 1.0)]) == pytest.approx([0.35 / 0.3])


def test_only_the_low_classes_of_an_overloaded_server_wait_for_ever():
    first, second, third = cobham_waits_s([Class(0.4, 1.0, 2.0), Class(0.5, 1.0, 2.0), Class(0.5, 1.0, 2.0)])

    assert first < second < math.inf
    assert third == math.inf


@pytest.mark.parametrize(
    ("law", "cv", "square"), [("exponential", 0, 2.0), ("constant", 0, 1.0), ("lognormal", 1.5, 3.25)]
)
def test_the_engine_serves_priorities_as_cobham_says(law, cv, square):
    rates = {"gold": 0.2, "silver": 0.3, "bronze": 0.3}
    expected = cobham_waits_s([Class(rate, 1.0, square) for rate in rates.values()])
    service = {"base": "0 s", "per_item": "1 s", "distribution": law, "cv": cv}

    seen = windows(
        servers=1, horizon="301 h", interval="3 h", pool={"service": service},
        workloads={
            name: {"rate": f"{rate} req/s", "priority": 7 - 3 * i} for i, (name, rate) in enumerate(rates.items())
        },
    )  # fmt: skip

    for name, wait_s in zip(rates, expected, strict=True):
        of = seen[seen["workload"] == name]
        assert covers(of["wait_sum_s"], of["completed"], wait_s), name


# --- batches


@pytest.mark.parametrize("rho", [0.1, 0.3, 0.5, 0.7, 0.8, 0.9])
def test_who_takes_all_when_idle_is_inoues_server(rho):
    rate = rho / ALPHA_S

    seen = windows(
        "service=inoue_v100", workload={"rate": f"{rate!r} req/s"}, servers=1, horizon="62 s", interval="2 s",
        pool={"batching": {"kind": "when_idle"}, "queue": {"capacity": 10_000_000}},
    )  # fmt: skip

    exact = take_all_waiting(rate, ALPHA_S, TAU0_S)
    assert covers(seen["latency_sum_s"], seen["completed"], exact.latency_s)
    assert exact.latency_s <= min(inoue_bounds(rate, ALPHA_S, TAU0_S)) * (1 + 1e-6)


@pytest.mark.parametrize("rho", [0.1, 0.3, 0.5, 0.7])
def test_batches_bounded_far_away_are_not_bounded(rho):
    rate = rho / ALPHA_S

    assert take_at_most(400, rate, ALPHA_S, TAU0_S) == pytest.approx(take_all_waiting(rate, ALPHA_S, TAU0_S), rel=1e-9)


def test_batches_of_one_are_a_server_with_constant_service():
    service_s = ALPHA_S + TAU0_S
    rate = 0.8 / service_s

    found = take_at_most(1, rate, ALPHA_S, TAU0_S)

    assert found.latency_s == pytest.approx(service_s * (1 + 0.8 / (2 * 0.2)), rel=1e-9)  # Pollaczek and Khinchine
    assert found.utilisation == pytest.approx(0.8, rel=1e-9)


@pytest.mark.parametrize("most", [4, 8, 16])
def test_bounded_batches_diverge_at_their_capacity(most):
    capacity = most / (most * ALPHA_S + TAU0_S)

    late = [take_at_most(most, share * capacity, ALPHA_S, TAU0_S).latency_s for share in (0.9, 0.95, 0.98, 0.99)]

    assert late[0] < late[1] < late[2]
    assert late[3] - late[2] == pytest.approx(50 * (late[1] - late[0]) / 10, rel=0.1)  # as 1 / (1 - load)
    with pytest.raises(ValueError, match="no steady state"):
        take_at_most(most, capacity, ALPHA_S, TAU0_S)


def test_an_adaptive_batch_settles_at_the_target():
    # t(b) = 1.8874 + 0.1438 b ms, so that 25 requests take 5.48 ms and 26 take 5.63 ms
    seen = windows(
        "service=inoue_v100", workload={"rate": "5000 req/s"}, servers=1, horizon="62 s",
        interval="2 s", pool={"batching": {"kind": "adaptive", "target": "5.5 ms"}, "queue": {"capacity": 1000}},
    )  # fmt: skip

    served = ratio(seen["completed"].tolist(), (seen["end_s"] - seen["start_s"]).tolist()).value
    low, high = (b / (TAU0_S + ALPHA_S * b) for b in (23, 26))  # a tenth off 26, and one by one up to it again
    assert low < served < high


@pytest.mark.parametrize(
    "call",
    [
        lambda: erlang_a(0, 1.0, 1.0, 1.0),
        lambda: erlang_a(1, 1.0, 1.0, 0.0),
        lambda: mmck_loss(0, 1, 1.0),
        lambda: mmck_loss(1, -1, 1.0),
    ],
)
def test_parameters_out_of_range_are_refused(call):
    with pytest.raises(ValueError, match="needs"):
        call()
