"""What a stretch of a phase showed, for gates and thresholds: read from the recorder, the ledgers and the monitors."""

import math
from collections.abc import Mapping

from sim.clock.calendar import NS_PER_S, Calendar
from sim.lifecycle.measures import Measures
from sim.model.life import ModelLife
from sim.model.parameters import ModelLearning, NoMonitor
from sim.record.recorder import Recorder
from sim.scenario import Scenario
from sim.world.books import Books

_ENDED = ("hit", "completed", "rejected", "timed_out", "failed")


class Gauges:
    """Reads any stretch of the past whose edges are edges of record windows, such as civil midnights."""

    def __init__(self, recorder: Recorder, books: Books, calendar: Calendar, lives: Mapping[str, ModelLife]) -> None:
        self._recorder, self._books, self._calendar, self._lives = recorder, books, calendar, lives

    def measures(self, from_ns: int, to_ns: int, effective: Scenario, baseline_usd: float | None = None) -> Measures:
        """From `from_ns` to `to_ns` (in the phase that `effective` is the scenario of); monitors as they see it now.

        baseline_usd: unit cost that a reduction is measured against, where it is known.
        """
        seen = self._recorder.between(from_ns, to_ns)
        quality = {name: _known(life.seen) for name, life in self._lives.items() if _watched(effective, name)}
        from_s, to_s = from_ns / NS_PER_S, to_ns / NS_PER_S
        spent = self._books.ledger.between(from_s, to_s)
        earned = self._books.value.between(from_s, to_s)
        variable = sum(nano for (nature, _), nano in spent.items() if nature == "variable")
        valued = [name for name, workload in effective.workloads.items() if workload.value.kind != "none"]
        return Measures(
            now=self._calendar.civil(to_ns),
            span_s=(to_ns - from_ns) / NS_PER_S,
            offered={name: s.counts["offered"] for name, s in seen.items()},
            ended={name: sum(s.counts[end] for end in _ENDED) for name, s in seen.items()},
            good={name: s.counts["good"] for name, s in seen.items()},
            p99_s={name: _known(s.latency_p99_s) for name, s in seen.items()},
            quality_seen=quality,
            false_positive_rate=_false_positives(effective, quality),
            value_usd={name: earned.get(("earned", name), 0) / 1e9 for name in valued},
            variable_usd=variable / 1e9,
            total_usd=sum(spent.values()) / 1e9,
            baseline_unit_cost_usd=baseline_usd,
        )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _watched(effective: Scenario, name: str) -> bool:
    learning = effective.workloads[name].learning
    return isinstance(learning, ModelLearning) and not isinstance(learning.monitor, NoMonitor)


def _false_positives(effective: Scenario, quality: Mapping[str, float | None]) -> dict[str, float | None]:
    """Of every workload whose answers are decisions, as its monitor sees it."""
    rates: dict[str, float | None] = {}
    for name, seen in quality.items():
        workload = effective.workloads[name]
        assert isinstance(workload.learning, ModelLearning)
        fresh = workload.learning.quality
        if workload.value.false_positives(fresh, fresh) is not None:
            rates[name] = None if seen is None else workload.value.false_positives(seen, fresh)
    return rates
