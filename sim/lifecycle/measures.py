"""What a stretch of a product's life showed, and what it says about a condition: met, missed or not known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sim.lifecycle.conditions import Condition, Date

DAY_S = 86_400.0
AT_MOST = ("latency_p99", "false_positive_rate", "unit_cost")  # kinds that ask for little; all others ask for much

Known = Mapping[str, float | None]
"""By workload: a value, None where it is not known yet (no labels, no requests), no entry where nobody measures it."""


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
        return _ratio(self.total_usd, sum(self.offered.values()))


@dataclass(frozen=True)
class Check:
    """A condition against what was measured.

    measure: its kind; text: a true sentence with value and limit; value, limit: in the base unit (a date as ISO text,
    value None where not known); passed: None where not known.
    """

    measure: str
    text: str
    value: float | str | None
    limit: float | str
    passed: bool | None


class _Measure(NamedTuple):
    """words: its name; read: its value (None: not known) and, of the worst, whose; units: by factor, largest first."""

    words: str
    read: Callable[[Measures, str | None], tuple[float | None, str]]
    units: tuple[tuple[float, str], ...]


def check(condition: Condition, measures: Measures, *, known: bool = True) -> Check:
    """What the measures say about a condition. known: False where they do not stand for a whole window yet."""
    if isinstance(condition, Date):
        return _date_check(condition, measures.now)
    what = _MEASURES[condition.kind]
    value, whose = what.read(measures, condition.workload)
    value = value if known else None
    words = f"{what.words} of {whose}" if whose else what.words
    low = condition.kind in AT_MOST
    if value is None:
        limit = _shown(condition.limit, condition.limit, what.units, 3)
        text = f"{words} not known yet, needs {'<=' if low else '>='} {limit}"
        return Check(condition.kind, text, None, condition.limit, None)
    passed = value <= condition.limit if low else value >= condition.limit
    sign = ("<=" if passed else ">") if low else (">=" if passed else "<")
    text = f"{words} {_compared(value, sign, condition.limit, what.units)}"
    return Check(condition.kind, text, value, condition.limit, passed)


def _date_check(condition: Date, now: datetime) -> Check:
    limit = condition.from_ if condition.from_.tzinfo else condition.from_.replace(tzinfo=now.tzinfo)
    limit = limit.astimezone(now.tzinfo)
    passed = now >= limit
    whole = all(moment.time() == moment.min.time() for moment in (now, limit))
    shown = [moment.strftime("%Y-%m-%d" if whole else "%Y-%m-%d %H:%M:%S") for moment in (now, limit)]
    text = f"date {shown[0]} {'>=' if passed else '<'} {shown[1]}"
    return Check("date", text, now.isoformat(sep=" "), limit.isoformat(sep=" "), passed)


def _compared(value: float, sign: str, limit: float, units: tuple[tuple[float, str], ...]) -> str:
    """ "value sign limit" in the unit that suits the limit, with as many digits as it takes for the sign to be true."""
    shown = ""
    for digits in (3, 5, 8, 12, 17):
        a, b = (_shown(number, limit, units, digits) for number in (value, limit))
        shown = f"{a} {sign} {b}"
        if a != b or value == limit:
            break
    return shown


def _shown(number: float, limit: float, units: tuple[tuple[float, str], ...], digits: int) -> str:
    factor, unit = next((u for u in units if limit >= u[0]), units[-1])
    return f"{Decimal(f'{number / factor:.{digits}g}'):,f} {unit}".strip()


# --- what each kind reads: its value and, where the worst workload counts, that one's name


def _total(counts: Mapping[str, float], workload: str | None) -> float | None:
    return counts.get(workload) if workload is not None else sum(counts.values())


def _worst(by_workload: Known, workload: str | None, choose: Callable[..., str]) -> tuple[float | None, str]:
    """Of the named workload, or the worst of all: not known while one of them is not."""
    if workload is not None:
        return by_workload.get(workload), workload
    values = {name: value for name, value in by_workload.items() if value is not None}
    if not values or len(values) < len(by_workload):
        return None, ""
    worst = choose(values, key=values.__getitem__)
    return values[worst], worst if len(values) > 1 else ""


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None


def _traffic(m: Measures, workload: str | None) -> tuple[float | None, str]:
    return _ratio(_total(m.offered, workload), m.span_s), workload or ""


def _requests(m: Measures, workload: str | None) -> tuple[float | None, str]:
    return _total(m.offered, workload), workload or ""


def _quality(m: Measures, workload: str | None) -> tuple[float | None, str]:
    return _worst(m.quality_seen, workload, min)


def _slo_attainment(m: Measures, workload: str | None) -> tuple[float | None, str]:
    return _worst({name: _ratio(m.good.get(name, 0), ended) for name, ended in m.ended.items()}, workload, min)


def _latency_p99(m: Measures, workload: str | None) -> tuple[float | None, str]:
    return _worst(m.p99_s, workload, max)


def _false_positive_rate(m: Measures, workload: str | None) -> tuple[float | None, str]:
    return _worst(m.false_positive_rate, workload, max)


def _unit_cost(m: Measures, workload: str | None) -> tuple[float | None, str]:
    return _ratio(m.variable_usd, sum(m.offered.values())), ""


def _cost_reduction(m: Measures, workload: str | None) -> tuple[float | None, str]:
    remaining = _ratio(m.unit_cost_usd, m.baseline_unit_cost_usd)
    return None if remaining is None else 1.0 - remaining, ""


def _value(m: Measures, workload: str | None) -> tuple[float | None, str]:
    earned = _total(m.value_usd, workload) if m.value_usd else None
    return _ratio(earned, m.span_s / DAY_S), workload or ""


_SHARE = ((0.01, "%"),)
_MEASURES = {
    "traffic": _Measure(
        "traffic", _traffic, ((1.0, "req/s"), (1 / 60, "req/min"), (1 / 3600, "req/h"), (1 / DAY_S, "req/day"))
    ),
    "requests": _Measure("requests", _requests, ((1.0, ""),)),
    "quality": _Measure("quality", _quality, _SHARE),
    "slo_attainment": _Measure("SLO attainment", _slo_attainment, _SHARE),
    "latency_p99": _Measure("p99 latency", _latency_p99, ((1.0, "s"), (1e-3, "ms"))),
    "false_positive_rate": _Measure("false positive rate", _false_positive_rate, _SHARE),
    "unit_cost": _Measure("variable cost per request", _unit_cost, ((1.0, "USD"),)),
    "cost_reduction": _Measure("cost reduction", _cost_reduction, _SHARE),
    "value": _Measure("value", _value, ((1.0, "USD/day"),)),
}
