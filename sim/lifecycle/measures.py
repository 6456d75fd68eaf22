"""What a stretch of a product's life showed, and how one number is read from it for one workload or for all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

Known = Mapping[str, float | None]
"""By workload: a value, None where it is not known yet (no labels, no requests), no entry where nobody measures it."""
Reading = tuple[float | None, str]
"""A value (None: not known) and whose it is: a workload's name, or nothing where it is that of all."""


@dataclass(frozen=True)
class Measures:
    """What happened in the `span_s` seconds before `now` (civil, aware), all of them in one phase.

    offered, ended, good: requests by workload; ended counts hits, completed, rejected, timed out and failed ones.
    p99_s: latency of answered requests. quality_seen, false_positive_rate: as the monitor sees them. variable_usd,
    total_usd: ledger sums (None: not known). value_usd: earned, by workload that has a value. baseline_unit_cost_usd:
    total cost per offered request of the phase's first whole window (None until it is over).
    """

    now: datetime
    span_s: float
    offered: Mapping[str, int] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)
    good: Mapping[str, int] = field(default_factory=dict)
    p99_s: Known = field(default_factory=dict)
    quality_seen: Known = field(default_factory=dict)
    false_positive_rate: Known = field(default_factory=dict)
    value_usd: Mapping[str, float] = field(default_factory=dict)
    variable_usd: float | None = None
    total_usd: float | None = None
    baseline_unit_cost_usd: float | None = None

    @property
    def unit_cost_usd(self) -> float | None:
        """Total cost of an offered request, USD; None without requests. What a later window's baseline is made of."""
        return ratio(self.total_usd, sum(self.offered.values()))


def ratio(a: float | None, b: float | None) -> float | None:
    """a / b; None where either is not known, or nothing is divided by."""
    return a / b if a is not None and b else None


def total(counts: Mapping[str, float], workload: str | None) -> float | None:
    """Of the named workload (None where it is not there), or of all together."""
    return counts.get(workload) if workload is not None else sum(counts.values())


def worst(by_workload: Known, workload: str | None, choose: Callable[..., str]) -> Reading:
    """Of the named workload, or the worst of all: not known while one of them is not. choose: `min` or `max`."""
    if workload is not None:
        return by_workload.get(workload), workload
    values = {name: value for name, value in by_workload.items() if value is not None}
    if not values or len(values) < len(by_workload):
        return None, ""
    found = choose(values, key=values.__getitem__)
    return values[found], found if len(values) > 1 else ""
