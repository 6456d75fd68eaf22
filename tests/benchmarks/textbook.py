"""M/M/8 at utilisation 0.85, the queue that queueing simulators are compared on: as a scenario, and in plain SimPy."""

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim import Scenario

SERVERS, LOAD = 8, 6.8


def mm8(engine: str, horizon_s: float, rate_per_s: float = LOAD, requests: str = "none") -> "Scenario":
    """M/M/8 as a scenario. rate_per_s: arrivals; the mean service time follows, so that the load stays 6.8 erlangs;
    requests: those that are logged.
    """
    from sim import load

    return load(
        "document_assistant", "pool=single_queue", "autoscaler=fixed", "phases=production", "admission=none",
        "cache=none", "learning=none", "value=none", "incidents=none",
        engine=engine, horizon=f"{horizon_s} s", seed=1,
        record={"interval": "1 h", "requests": requests},
        workload={
            "rate": f"{rate_per_s} req/s", "timeout": "365 d",
            "growth": {"kind": "none"}, "seasonality": {"kind": "flat"}, "keys": {"kind": "unique"},
            "tenants": {"count": 1},
        },
        pool={
            "service": {"base": "0 s", "per_item": f"{LOAD / rate_per_s!r} s", "distribution": "exponential", "cv": 0},
            "queue": {"capacity": 10_000_000},
        },
        autoscaler={"replicas": SERVERS},
    )  # fmt: skip


def simpy_mm8(customers: int, seed: int = 1) -> float:
    """The same queue as SimPy's own documentation would write it, one process a customer; the mean wait, s."""
    import simpy

    environment = simpy.Environment()
    servers = simpy.Resource(environment, SERVERS)
    draw = random.Random(seed).expovariate
    waited = 0.0

    def customer():
        nonlocal waited
        arrived = environment.now
        with servers.request() as turn:
            yield turn
            waited += environment.now - arrived
            yield environment.timeout(draw(1.0))

    def source():
        for _ in range(customers):
            yield environment.timeout(draw(LOAD))
            environment.process(customer())

    environment.process(source())
    environment.run()
    return waited / customers
