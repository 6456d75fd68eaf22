"""Requests per second of wall time on M/M/8: the exact engine, the reference engine and plain SimPy, and their ratios.

One process, in turns (A B C, A B C, ...), medians, kernels warm. Both engines go through `simulate`: arrivals, request
path, record and ledger included. The ratios are what counts, as rates hang on the machine.
"""

from statistics import median
from time import perf_counter

from tests.benchmarks.textbook import LOAD, mm8, simpy_mm8

LIMITS = {"exact_over_reference": (">=", 50.0), "exact_over_simpy_mm8": (">=", 20.0)}
ROUNDS = 5
EXACT_S, REFERENCE_S, CUSTOMERS = 400_000, 4_000, 30_000  # each turn about a second


def measure() -> dict[str, float]:
    """Median rates, requests/s, and their ratios."""
    from sim import simulate

    exact, reference = mm8("exact", EXACT_S), mm8("reference", REFERENCE_S)
    simulate(mm8("exact", 3600))
    simulate(mm8("reference", 3600))
    rates: dict[str, list[float]] = {"exact": [], "reference": [], "simpy_mm8": []}
    for _ in range(ROUNDS):
        for name, scenario in (("exact", exact), ("reference", reference)):
            begun = perf_counter()
            offered = simulate(scenario).totals["offered"]
            rates[name].append(offered / (perf_counter() - begun))
        begun = perf_counter()
        simpy_mm8(CUSTOMERS)
        rates["simpy_mm8"].append(CUSTOMERS / (perf_counter() - begun))
    result = {f"{name}_requests_per_s": median(of) for name, of in rates.items()}
    result["exact_over_reference"] = result["exact_requests_per_s"] / result["reference_requests_per_s"]
    result["exact_over_simpy_mm8"] = result["exact_requests_per_s"] / result["simpy_mm8_requests_per_s"]
    result["requests_an_exact_turn"] = EXACT_S * LOAD
    return result
