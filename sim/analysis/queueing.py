"""Closed forms and exact chains of queueing theory: the known answers beside which the simulation stands.

Notation: load R = arrival rate x mean service time (erlangs), c servers, utilisation R / c.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def mmck_loss(servers: int, room: int, load: float) -> float:
    """Share of arrivals rejected in M/M/c with `room` places to wait (M/M/c/K, K = c + room): Erlang's B, and one step
    of R B / (c + R B) for each place (Gross and Harris, Fundamentals of Queueing Theory, section 2.5).
    """
    _require(servers >= 1 and room >= 0, f"mmck_loss needs servers >= 1 and room >= 0, not {servers} and {room}")
    lost = erlang_b(servers, load)
    for _ in range(room):
        lost = load * lost / (servers + load * lost)
    return lost


class Impatience(NamedTuple):
    """Steady state of Erlang A: who waits, who leaves unserved, the mean wait of all and of those served (s)."""

    p_wait: float
    p_abandon: float
    wait_s: float
    served_wait_s: float


def erlang_a(servers: int, arrival_per_s: float, service_s: float, patience_s: float) -> Impatience:
    """M/M/c+M: exponential service and patience of these means, s (Palm 1957; Garnett, Mandelbaum, Reiman, Designing a
    call center with impatient customers, M&SOM 4, 2002).

    A birth-death chain: with k waiting, others leave at c mu + k theta. By Little, P(abandon) = theta E[wait]. Who
    finds k waiting is served with probability c mu / (c mu + (k + 1) theta), and has then waited the sum of
    1 / (c mu + j theta), j = 1 .. k + 1, on average.
    """
    _require(
        servers >= 1 and min(arrival_per_s, service_s, patience_s) > 0,
        f"erlang_a needs servers >= 1 and rates and times above 0, not {servers}, {arrival_per_s}, {service_s} and "
        f"{patience_s}",
    )
    out_per_s, load = servers / service_s, arrival_per_s * service_s
    blocked = erlang_b(servers, load)
    others = 1 / blocked - 1  # share of states with a free server, over that of all servers busy and nobody waiting
    share, total, queue, served_wait, waiting_s, k = 1.0, 0.0, 0.0, 0.0, 0.0, 0
    while share > 1e-18 * (total + others) or arrival_per_s > out_per_s + k / patience_s:
        after = out_per_s + (k + 1) / patience_s
        waiting_s += 1 / after
        total, queue = total + share, queue + k * share
        served_wait += share * out_per_s / after * waiting_s
        k += 1
        share *= arrival_per_s / after
    total_all = total + others
    wait_s = queue / total_all / arrival_per_s
    p_abandon = wait_s / patience_s
    return Impatience(total / total_all, p_abandon, wait_s, served_wait / total_all / (1 - p_abandon))


class Class(NamedTuple):
    """One priority's traffic: arrivals per second, mean and mean square of its service time (s, s^2)."""

    arrival_per_s: float
    service_s: float
    service_s2: float


def cobham_waits_s(classes: "Sequence[Class]") -> list[float]:
    """Mean waits (s) in M/G/1 with priorities and without pre-emption, the highest priority first.

    W_k = (sum of lambda E[S^2] / 2) / ((1 - load above k) (1 - load up to k)); infinite from the class on whose load,
    with those above, reaches 1. Cobham, Priority assignment in waiting line problems, Operations Research 2 (1954).
    """
    work_s = sum(c.arrival_per_s * c.service_s2 for c in classes) / 2
    waits, above = [], 0.0
    for c in classes:
        upto = above + c.arrival_per_s * c.service_s
        waits.append(work_s / ((1 - above) * (1 - upto)) if upto < 1 else math.inf)
        above = upto
    return waits


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


def take_at_most(most: int, arrival_per_s: float, per_item_s: float, base_s: float) -> BatchQueue:
    """Exact M/D[b]/1 with a free server that takes all who wait, but no more than `most`; t(b) = base + b per_item (s).

    Those left waiting at the end of a service are a Markov chain: Q' = Q - min(Q, most) + A, A ~ Poisson(lambda t), a
    server that finds nobody taking the next arrival alone. Over a service, max(Q, 1) are in the system, and arrivals
    join them for half of it on average, so that E[latency] is the sum of max(Q, 1) t + lambda t^2 / 2 over E[batch].
    Raises ValueError where there is no steady state (arrival_per_s >= most / t(most)), or so long a queue, from 99 % of
    that on, that its chain is too large to solve.
    """
    import numpy as np

    largest_s = base_s + most * per_item_s
    _require(
        most >= 1 and arrival_per_s > 0 and min(per_item_s, base_s) >= 0 and arrival_per_s * largest_s < most,
        f"no steady state at {arrival_per_s} requests/s with batches of at most {most} in {largest_s} s",
    )
    slack = 1 - arrival_per_s * largest_s / most
    _require(slack > 0.0099, f"a load of {1 - slack:.4f} needs too large a chain; take_at_most needs at most 0.99")
    left = np.arange(math.ceil(most + 20 / slack) + 60)  # beyond, shares fall by e^-2slack a request or faster
    batch = np.clip(left, 1, most).astype(np.float64)
    service = base_s + per_item_s * batch
    gone = np.where(left > 0, batch, 0)
    pmf = _poisson(arrival_per_s * service, len(left))
    step = np.zeros((len(left), len(left)))
    for q in left:
        stays = int(q - gone[q])
        step[q, stays:] = pmf[q, : len(left) - stays]
        step[q, -1] += max(0.0, 1 - step[q].sum())
    share = _steady(step)
    mean_batch = float(share @ batch)
    area = float(share @ (np.maximum(left, 1) * service + arrival_per_s * service**2 / 2))
    busy_s = float(share @ service)
    return BatchQueue(area / mean_batch, busy_s / (busy_s + float(share[0]) / arrival_per_s), mean_batch)


def _poisson(mean: "NDArray[np.float64]", count: int) -> "NDArray[np.float64]":
    """[means, count]: Poisson probabilities of 0 .. count - 1 for each mean above 0."""
    import numpy as np
    from scipy.special import gammaln

    n = np.arange(count, dtype=np.float64)[None, :]
    result: NDArray[np.float64] = np.exp(n * np.log(mean[:, None]) - mean[:, None] - gammaln(n + 1))
    return result


def _steady(step: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Stationary shares of a chain with these transition probabilities."""
    import numpy as np

    n = len(step)
    share = np.linalg.solve(np.vstack([(step.T - np.eye(n))[:-1], np.ones(n)]), np.append(np.zeros(n - 1), 1.0))
    share = np.maximum(share, 0.0)
    result: NDArray[np.float64] = share / share.sum()
    return result


def _stationary_batches(
    arrival_per_s: float, per_item_s: float, base_s: float
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Batch sizes 1..N and their stationary shares; N is 12 standard deviations beyond the mean, the rest folded in."""
    import numpy as np

    rho = arrival_per_s * per_item_s
    mean = 1 + arrival_per_s * base_s / (1 - rho)
    largest = math.ceil(mean + 12 * math.sqrt((mean + 1) / (1 - rho * rho))) + 30
    sizes = np.arange(1, largest + 1, dtype=np.float64)
    pmf = _poisson(arrival_per_s * (base_s + per_item_s * sizes), largest + 1)
    step = pmf[:, 1:].copy()
    step[:, 0] += pmf[:, 0]
    step[:, -1] += np.maximum(0.0, 1 - step.sum(axis=1))
    return sizes, _steady(step)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)
