"""When to stop replicating: once an interval is narrow enough for what is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from sim.analysis.paired import mean_interval, paired_difference
from sim.config import InputError, Problem
from sim.config.units import SHARE, parse_quantity
from sim.study.figures import MEASURES, Figures

FEWEST = 5  # assumption: below, a t interval is as wide as what it measures
_EXAMPLE = '"cost: 1 %"'


@dataclass(frozen=True)
class Until:
    """Half of the interval of a measure is at most this share of its mean.

    Several candidates: the intervals of each one's paired difference from the first, as a share of the first's mean.
    """

    measure: str
    share: float

    def met(self, played: Sequence[Sequence[Figures]]) -> bool:
        """played: by candidate and replication, as many of each."""
        if len(played[0]) < FEWEST:
            return False
        values = [[figures[self.measure] for figures in replications] for replications in played]
        first = mean_interval(values[0])
        if first.mean is None:
            return False
        intervals = [paired_difference(own, values[0]) for own in values[1:]] or [first]
        halves = [interval.half for interval in intervals]
        return all(half is not None and half <= self.share * abs(first.mean) for half in halves)


def parse_until(text: str) -> Until:
    """From "cost: 1 %", a measure and a share of its mean. Raises InputError."""
    typed = {measure.typed: key for key, measure in MEASURES.items()}
    name, colon, share = text.partition(":")
    key = typed.get(name.strip(), name.strip())
    if not colon or key not in MEASURES:
        message = f"not a measure and a share of its mean. Measures: {', '.join(typed)}. Type {_EXAMPLE}."
        raise InputError(Problem("until", text, message))
    try:
        value = parse_quantity(share.strip(), SHARE, "a share", '"1 %"', bare=True)
    except ValueError as e:
        raise InputError(Problem("until", text, f"{e} Type {_EXAMPLE}.")) from None
    if not 0 < value < 1:
        raise InputError(Problem("until", text, f"out of range: more than 0 % and less than 100 %. Type {_EXAMPLE}."))
    return Until(key, value)
