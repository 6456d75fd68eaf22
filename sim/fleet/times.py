"""Parameters of when something befalls a pool for certain: at given times, at a share of the scenario, at its peak."""

from collections.abc import Callable
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from sim.clock.calendar import NS_PER_S, to_ns
from sim.config import LongSeconds, Parameters, Share
from sim.config.units import span_text

_MOST_TIMES = 1000  # assumption: ten a year for a century


def _each_once(times_s: tuple[float, ...]) -> tuple[float, ...]:
    twice = next((at_s for i, at_s in enumerate(times_s) if to_ns(at_s) in map(to_ns, times_s[:i])), None)
    if twice is not None:
        raise ValueError(
            f"{span_text(twice, exact=True)} stands there twice. Type each time once, such as [30 d, 60 d]."
        )
    return times_s


def _inside(share: float) -> float:
    if share >= 1.0:
        raise ValueError('not before the scenario\'s end. It must be less than 100 %, such as "50 %".')
    return share


class Times(Parameters):
    """Times of something that happens, whoever draws what.

    at_s: since the scenario's start, each once; where there are none, at_share: after this share of the scenario's
    length (None: not so), or at_peak: when the busiest hour of the pool's expected demand begins.
    """

    at_s: Annotated[tuple[LongSeconds, ...], Field(max_length=_MOST_TIMES), AfterValidator(_each_once)] = ()
    at_share: Annotated[Share, AfterValidator(_inside)] | None = None
    at_peak: bool = False

    @property
    def timed(self) -> bool:
        """Whether there is any such time."""
        return bool(self.at_s) or self.at_share is not None or self.at_peak

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.at_share is not None and self.at_peak:
            raise ValueError(
                "at_share and at_peak name two times, and one is meant. Type at_peak: false, or at_share: null."
            )
        return self

    def in_scenario(self, horizon_ns: int, busiest_ns: Callable[[], int]) -> Self:
        """The same with all its times in at_s. busiest_ns: when the busiest hour begins, asked where it matters."""
        if self.at_s or not self.timed:
            return self
        at_ns = busiest_ns() if self.at_share is None else round(self.at_share * horizon_ns)
        return self.model_copy(update={"at_s": (at_ns / NS_PER_S,), "at_share": None, "at_peak": False})
