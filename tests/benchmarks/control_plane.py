"""Microseconds per control tick of a pool under the Kubernetes HPA (scrape and decision), beside SimPy's bare tick."""

from statistics import median
from time import perf_counter

LIMITS: dict[str, tuple[str, float]] = {}
ROUNDS, DAYS = 5, 20
TICKS = DAYS * 86_400 // 15  # at the HPA's sync period of 15 s


def measure() -> dict[str, float]:
    """Medians, microseconds; the same almost empty days with and without the HPA, their difference by its ticks."""
    from sim import load, simulate

    def quiet(autoscaler: str, **parameters: int) -> object:
        return load(
            "azure_llm", "workload=poisson", f"autoscaler={autoscaler}", "record=hourly", start="2026-01-01",
            horizon=f"{DAYS} d", workload={"rate": "1 req/h"}, autoscaler=parameters,
        )  # fmt: skip

    turns = {
        "fixed": quiet("fixed", replicas=4),
        "hpa": quiet("hpa", min_replicas=4, max_replicas=12),
    }
    times: dict[str, list[float]] = {"fixed": [], "hpa": [], "simpy": []}
    for name in turns:
        simulate(turns[name])  # type: ignore[arg-type]
    for _ in range(ROUNDS):
        for name, scenario in turns.items():
            begun = perf_counter()
            simulate(scenario)  # type: ignore[arg-type]
            times[name].append(perf_counter() - begun)
        begun = perf_counter()
        _bare_ticks()
        times["simpy"].append(perf_counter() - begun)
    tick_us = 1e6 * median(a - b for a, b in zip(times["hpa"], times["fixed"], strict=True)) / TICKS
    bare_us = 1e6 * median(times["simpy"]) / TICKS
    return {"control_tick_us": tick_us, "simpy_tick_us": bare_us, "control_over_simpy_tick": tick_us / bare_us}


def _bare_ticks() -> None:
    """As many ticks of a SimPy process that does nothing."""
    import simpy

    environment = simpy.Environment()

    def ticking():
        for _ in range(TICKS):
            yield environment.timeout(15)

    environment.process(ticking())
    environment.run()
