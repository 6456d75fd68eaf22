"""M/M/8 at utilisation 0.85 side by side: the exact engine, SimPy, and Ciw and cimba where they are installed.

One process, in turns, its CPU time, the best of each, kernels warm and cimba's model compiled. Ciw and cimba are no
dependencies (`pip install ciw cimba`); without them their rows are missing, and their ratios with them.
"""

from collections.abc import Callable
from importlib.util import find_spec
from time import process_time
from typing import Any

from tests.benchmarks.textbook import LOAD, SERVERS, mm8, simpy_mm8

LIMITS = {"exact_over_simpy": (">=", 60.0)}
ROUNDS = 7
EXACT, SIMPY, CIW, CIMBA = 2_000_000, 30_000, 10_000, 1_000_000  # customers a turn, some 0.2 to 0.4 s each


def measure() -> dict[str, float]:
    """Best rates, customers/s, and how many times as fast as each of the others the exact engine is."""
    from sim import simulate

    scenario = mm8("exact", EXACT / LOAD)
    turns: dict[str, Callable[[], float]] = {
        "exact": lambda: simulate(scenario).totals["offered"],
        "simpy": lambda: (simpy_mm8(SIMPY), SIMPY)[1],
    }
    if find_spec("ciw"):
        turns["ciw"] = _ciw
    if find_spec("cimba"):
        turns["cimba"] = _cimba()
    simulate(mm8("exact", 3600))
    best = dict.fromkeys(turns, 0.0)
    for _ in range(ROUNDS):
        for name, turn in turns.items():
            begun = process_time()
            customers = turn()
            best[name] = max(best[name], customers / (process_time() - begun))
    result = {f"{name}_customers_per_s": rate for name, rate in best.items()}
    return result | {f"exact_over_{name}": best["exact"] / best[name] for name in turns if name != "exact"}


def _ciw() -> float:
    import ciw

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(LOAD)],
        service_distributions=[ciw.dists.Exponential(1.0)],
        number_of_servers=[SERVERS],
    )
    ciw.seed(1)
    ciw.Simulation(network).simulate_until_max_time(CIW / LOAD)
    return CIW


def _cimba() -> Callable[[], float]:
    import cimba
    from cimba import inputs

    class Queue(cimba.Model):  # type: ignore[misc]
        interarrival: cimba.Input[float] = inputs.dist.exponential(mean=1 / LOAD)
        service: cimba.Input[float] = inputs.dist.exponential(mean=1.0)
        queue: cimba.Container
        mean_queue: cimba.Output[float]

        @cimba.process
        def arrivals(self) -> Any:
            while True:
                cimba.hold(self.interarrival.next())
                self.queue.put(1)

        @cimba.process(copies=SERVERS)
        def server(self) -> Any:
            while True:
                self.queue.get(1)
                cimba.hold(self.service.next())

        @cimba.on_end
        def close(self) -> None:
            self.mean_queue = self.queue.mean_level()

    experiment = cimba.Experiment(
        Queue(), replications=1, window=cimba.Window(warmup=0, duration=CIMBA / LOAD), seed=1
    )  # fmt: skip
    experiment.run()

    def turn() -> float:
        experiment.run()
        return CIMBA

    return turn
