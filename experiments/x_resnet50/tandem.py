"""The predicted system in plain Python: clients, a transfer one by one, a server that takes all who wait."""

import random
from collections import deque
from heapq import heappop, heappush
from math import log1p, sqrt
from typing import NamedTuple

from experiments.x_resnet50.sweep import Fit


class Felt(NamedTuple):
    """Answers per second, and mean, median and 99 % quantile of the latency (ms)."""

    per_s: float
    mean_ms: float
    p50_ms: float
    p99_ms: float


def felt(fitted: Fit, clients: int, max_batch_size: int, warm_up_s: float, span_s: float) -> Felt:
    """What `clients` feel that ask again as soon as they are answered, over span_s after warm_up_s."""
    draw = random.Random(1)
    sigma = sqrt(log1p(fitted.cv**2))
    half_ms = fitted.per_item_ms / 2
    begin, end = 1e3 * warm_up_s, 1e3 * (warm_up_s + span_s)
    sending, waiting = deque(range(clients)), deque[int]()
    asked = [0.0] * clients
    latencies: list[float] = []
    events: list[tuple[float, int, list[int]]] = [(half_ms, 1, [])]  # 1: a transfer ends; 0: this batch ends
    busy, idle_line, now = False, False, 0.0
    while events[0][0] < end:
        now, transfer, batch = heappop(events)
        if transfer:
            waiting.append(sending.popleft())
            idle_line = not sending
            if sending:
                heappush(events, (now + half_ms, 1, []))
        else:
            busy = False
            latencies += [now - asked[client] for client in batch if now >= begin]
            for client in batch:
                asked[client] = now
            sending += batch
            if idle_line:
                idle_line = False
                heappush(events, (now + half_ms, 1, []))
        if waiting and not busy:
            batch = [waiting.popleft() for _ in range(min(max_batch_size, len(waiting)))]
            factor = draw.lognormvariate(-(sigma**2) / 2, sigma) if sigma else 1.0
            heappush(events, (now + factor * (fitted.base_ms + len(batch) * half_ms), 0, batch))
            busy = True
    latencies.sort()
    n = len(latencies)
    return Felt(n / span_s, sum(latencies) / n, latencies[(n - 1) // 2], latencies[(99 * n - 1) // 100])
