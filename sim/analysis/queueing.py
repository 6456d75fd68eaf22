"""Closed forms and exact chains of queueing theory: the known answers beside which the simulation stands.

Notation: load R = arrival rate x mean service time (erlangs), c servers, utilisation R / c.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def erlang_b(servers: int, load: float) -> float:
    """Share of arrivals blocked in M/M/c/c (Erlang 1917), by the recursion B(c) = R B(c-1) / (c + R B(c-1)).

    servers: c >= 0; load: R >= 0 erlangs. Stable for any c (no factorials). Raises ValueError when out of range.
    """
    _require(servers >= 0 and load >= 0, f"erlang_b needs servers >= 0 and load >= 0, not {servers} and {load}")
    blocked = 1.0
    for c in range(1, servers + 1):
        blocked = load * blocked / (c + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Probability that an arrival waits in M/M/c (Erlang 1917); 1 where the queue has no steady state (R >= c)."""
    _require(servers >= 1 and load >= 0, f"erlang_c needs servers >= 1 and load >= 0, not {servers} and {load}")
    return _waits(erlang_b(servers, load), servers, load)


def mmc_wait_s(servers: int, arrival_per_s: float, service_s: float) -> float:
    """Mean time in queue of M/M/c, seconds: C / (c mu - lambda); infinite where it has no steady state."""
    _require(service_s > 0, f"mmc_wait_s needs a service time above 0 s, not {service_s}")
    slack = servers / service_s - arrival_per_s
    return erlang_c(servers, arrival_per_s * service_s) / slack if slack > 0 else math.inf


def closed_loop_per_s(users: int, think_s: float, service_s: float) -> float:
    """Throughput of users who think and then ask a single exponential server, requests/s: exact mean value analysis.

    users: N >= 1; think_s: mean think time, any law; the machine-repairman model. Reiser and Lavenberg, Mean-value
    analysis of closed multichain queuing networks, Journal of the ACM 27 (1980).
    """
    _require(users >= 1 and service_s > 0 and think_s >= 0, "closed_loop_per_s needs users, a service and a think time")
    queue, per_s = 0.0, 0.0
    for n in range(1, users + 1):
        latency_s = service_s * (1 + queue)
        per_s = n / (latency_s + think_s)
        queue = per_s * latency_s
    return per_s


def servers_for(load: float, p_wait: float) -> int:
    """Fewest servers at which an arrival to M/M/c waits with probability at most `p_wait`; one pass, O(answer).

    load: R >= 0 erlangs; p_wait: in (0, 1). At 10 %: 3, 16, 115, 1046, 10143 for R = 1, 10, ..., 10000.
    """
    _require(load >= 0 and 0 < p_wait < 1, f"servers_for needs load >= 0 and 0 < p_wait < 1, not {load} and {p_wait}")
    blocked, c = 1.0, 0
    while True:
        c += 1
        blocked = load * blocked / (c + load * blocked)
        if c > load and _waits(blocked, c, load) <= p_wait:
            return c


def _waits(blocked: float, servers: int, load: float) -> float:
    return 1.0 if load >= servers else blocked / (1 - load / servers * (1 - blocked))


def halfin_whitt(beta: float) -> float:
    """Limit of P(wait) with c = R + beta sqrt(R) servers: 1 / (1 + beta Phi(beta) / phi(beta)), beta > 0.

    Halfin and Whitt, Heavy-traffic limits for queues with many exponential servers, Operations Research 29 (1981).
    """
    _require(beta > 0, f"halfin_whitt needs beta above 0, not {beta}")
    cumulative = 0.5 * math.erfc(-beta / math.sqrt(2))
    density = math.exp(-beta * beta / 2) / math.sqrt(2 * math.pi)
    return density / (density + beta * cumulative)


def halfin_whitt_beta(p_wait: float) -> float:
    """The beta at which `halfin_whitt` gives `p_wait`, in (0, 1), by bisection (absolute error 1e-12)."""
    _require(0 < p_wait < 1, f"halfin_whitt_beta needs 0 < p_wait < 1, not {p_wait}")
    low, high = 0.0, 40.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if halfin_whitt(middle) > p_wait else (low, middle)
    return (low + high) / 2


class BatchQueue(NamedTuple):
    """Steady state of the batch server: mean latency (queue and service, s), share of time busy, mean batch."""

    latency_s: float
    utilisation: float
    mean_batch: float


def inoue_bounds(arrival_per_s: float, per_item_s: float, base_s: float) -> tuple[float, float]:
    """Upper bounds phi0, phi1 (s) of the mean latency where a free server takes all that wait.

    Service time t(b) = base + b per_item (s). Inoue, Queueing analysis of GPU-based inference servers with dynamic
    batching, Performance Evaluation (2021): the mean lies under both. Infinite at arrival_per_s * per_item_s >= 1.
    """
    rho, work = arrival_per_s * per_item_s, arrival_per_s * base_s
    if rho >= 1:
        return math.inf, math.inf
    phi0 = (per_item_s + base_s) / (2 * (1 - rho)) * (1 + 2 * work + (1 - work) / (1 + rho))
    phi1 = 1.5 * base_s / (1 - rho) + per_item_s / 2 * (rho + 2) / (1 - rho * rho)
    return phi0, phi1


def take_all_waiting(arrival_per_s: float, per_item_s: float, base_s: float) -> BatchQueue:
    """Exact M/D[b]/1 with a server that takes all waiting requests as soon as it is free; t(b) = base + b per_item (s).

    The batch sizes are a Markov chain: B' = A + 1{A = 0} with A ~ Poisson(lambda t(B)), since a server that finds
    nobody takes the next arrival alone (Inoue 2021). Of the A requests that arrive during a service each
    waits half of it on average, and each request is served for its batch's whole time, so that
    E[latency] = (lambda E[t(B)^2] / 2 + E[B t(B)]) / E[B]; the server is idle 1 / lambda after an empty service.
    Raises ValueError where there is no steady state (arrival_per_s * per_item_s >= 1) or a parameter is negative.
    """
    rho = arrival_per_s * per_item_s
    _require(
        arrival_per_s > 0 and per_item_s >= 0 and base_s >= 0 and per_item_s + base_s > 0 and rho < 1,
        f"no steady state at {arrival_per_s} requests/s with t(b) = {base_s} + {per_item_s} b seconds",
    )
    sizes, share = _stationary_batches(arrival_per_s, per_item_s, base_s)
    service = base_s + per_item_s * sizes
    mean_batch = float(share @ sizes)
    waiting = arrival_per_s * float(share @ service**2) / 2
    import numpy as np

    nobody = float(share @ np.exp(-arrival_per_s * service))
    mean_service = float(share @ service)
    return BatchQueue(
        latency_s=(waiting + float(share @ (sizes * service))) / mean_batch,
        utilisation=mean_service / (mean_service + nobody / arrival_per_s),
        mean_batch=mean_batch,
    )


def _stationary_batches(
    arrival_per_s: float, per_item_s: float, base_s: float
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Batch sizes 1..N and their stationary shares; N is 12 standard deviations beyond the mean, the rest folded in."""
    import numpy as np
    from scipy.special import gammaln

    rho = arrival_per_s * per_item_s
    mean = 1 + arrival_per_s * base_s / (1 - rho)
    largest = math.ceil(mean + 12 * math.sqrt((mean + 1) / (1 - rho * rho))) + 30
    sizes = np.arange(1, largest + 1, dtype=np.float64)
    expected = arrival_per_s * (base_s + per_item_s * sizes)[:, None]
    arrived = np.arange(0, largest + 1, dtype=np.float64)[None, :]
    pmf = np.exp(arrived * np.log(expected) - expected - gammaln(arrived + 1))
    step = pmf[:, 1:].copy()
    step[:, 0] += pmf[:, 0]
    step[:, -1] += np.maximum(0.0, 1 - step.sum(axis=1))
    balance = np.vstack([(step.T - np.eye(largest))[:-1], np.ones(largest)])
    share = np.linalg.solve(balance, np.append(np.zeros(largest - 1), 1.0))
    return sizes, np.maximum(share, 0.0) / np.maximum(share, 0.0).sum()


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)
