"""Closed forms beside their published answers."""

import math

import pytest

from sim.analysis.queueing import (
    erlang_b,
    erlang_c,
    halfin_whitt,
    halfin_whitt_beta,
    inoue_bounds,
    mmc_wait_s,
    servers_for,
    take_all_waiting,
)

ALPHA_S, TAU0_S = 0.1438e-3, 1.8874e-3  # NVIDIA V100, mixed precision (Inoue 2021)


def _erlang_b_by_sum(servers: int, load: float) -> float:
    terms = [load**k / math.factorial(k) for k in range(servers + 1)]
    return terms[-1] / sum(terms)


@pytest.mark.parametrize(("servers", "load"), [(0, 1.0), (1, 0.5), (5, 3.0), (16, 10.0), (20, 25.0), (3, 0.0)])
def test_the_erlang_b_recursion_is_erlangs_sum(servers: int, load: float) -> None:
    assert erlang_b(servers, load) == pytest.approx(_erlang_b_by_sum(servers, load), rel=1e-12)


def test_mm1_is_the_textbook_queue() -> None:
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert mmc_wait_s(1, 7.0, 0.1) == pytest.approx(0.7 * 0.1 / 0.3)  # rho S / (1 - rho)


def test_a_queue_without_a_steady_state_always_waits_for_ever() -> None:
    assert erlang_c(10, 10.0) == 1.0
    assert mmc_wait_s(10, 100.0, 0.1) == math.inf


@pytest.mark.parametrize(("load", "servers"), [(1, 3), (10, 16), (100, 115), (1000, 1046), (10_000, 10_143)])
def test_square_root_staffing_at_ten_per_cent(load: float, servers: int) -> None:
    assert servers_for(load, 0.1) == servers
    assert erlang_c(servers, load) <= 0.1 < erlang_c(servers - 1, load)


@pytest.mark.parametrize(("p_wait", "beta"), [(0.5, 0.506), (0.2, 1.062), (0.1, 1.420), (0.05, 1.740), (0.01, 2.375)])
def test_halfin_whitt_table(p_wait: float, beta: float) -> None:
    assert halfin_whitt_beta(p_wait) == pytest.approx(beta, abs=5e-4)
    assert halfin_whitt(halfin_whitt_beta(p_wait)) == pytest.approx(p_wait, abs=1e-10)


def test_halfin_whitt_is_the_limit_of_erlang_c() -> None:
    load = 10_000.0
    assert erlang_c(round(load + 1.42 * math.sqrt(load)), load) == pytest.approx(halfin_whitt(1.42), abs=2e-3)


@pytest.mark.parametrize(
    ("rho", "latency_ms"), [(0.1, 3.146), (0.3, 4.225), (0.5, 5.902), (0.7, 9.818), (0.8, 14.715), (0.9, 29.408)]
)
def test_the_exact_batch_chain_gives_inoues_latencies_under_his_bounds(rho: float, latency_ms: float) -> None:
    rate = rho / ALPHA_S
    queue = take_all_waiting(rate, ALPHA_S, TAU0_S)
    assert queue.latency_s * 1e3 == pytest.approx(latency_ms, abs=1e-3)
    assert queue.latency_s <= min(inoue_bounds(rate, ALPHA_S, TAU0_S)) * (1 + 1e-6)


def test_utilisation_of_the_batch_server_runs_from_087_to_one() -> None:
    assert take_all_waiting(0.1 / ALPHA_S, ALPHA_S, TAU0_S).utilisation == pytest.approx(0.867, abs=5e-4)
    assert take_all_waiting(0.9 / ALPHA_S, ALPHA_S, TAU0_S).utilisation == pytest.approx(1.0, abs=1e-9)


def test_throughput_equals_arrivals_in_the_batch_chain() -> None:
    # requests a second = utilisation x mean batch / mean service of a batch
    rate = 0.5 / ALPHA_S
    queue = take_all_waiting(rate, ALPHA_S, TAU0_S)
    mean_service_s = TAU0_S + ALPHA_S * queue.mean_batch
    assert queue.utilisation * queue.mean_batch / mean_service_s == pytest.approx(rate, rel=1e-9)


def test_a_lonely_request_takes_one_service() -> None:
    assert take_all_waiting(1e-3, ALPHA_S, TAU0_S).latency_s == pytest.approx(ALPHA_S + TAU0_S, rel=1e-5)


def test_beyond_capacity_the_bounds_are_infinite_and_the_chain_is_refused() -> None:
    assert inoue_bounds(1 / ALPHA_S, ALPHA_S, TAU0_S) == (math.inf, math.inf)
    with pytest.raises(ValueError, match="no steady state"):
        take_all_waiting(1 / ALPHA_S, ALPHA_S, TAU0_S)


@pytest.mark.parametrize(
    "call",
    [
        lambda: erlang_b(-1, 1.0),
        lambda: erlang_c(0, 1.0),
        lambda: servers_for(1.0, 0.0),
        lambda: mmc_wait_s(1, 1.0, 0.0),
        lambda: halfin_whitt(0.0),
        lambda: halfin_whitt_beta(1.0),
    ],
)
def test_parameters_out_of_range_are_refused(call) -> None:
    with pytest.raises(ValueError, match="needs"):
        call()
