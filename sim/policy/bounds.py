"""How many replicas a pool may have, how busy they may be, and how often it may be looked at."""

from typing import Annotated

from pydantic import AfterValidator, Field

from sim.config import Count, PositiveSeconds, Share

MAX_REPLICAS = 10_000  # assumption: beyond any pool of one product; a router's order has room for 2**20 places
MIN_PERIOD_S = 0.1  # assumption: no metrics pipeline is faster, and a run would do nothing but look


def _not_too_often(seconds: float) -> float:
    if seconds < MIN_PERIOD_S:
        raise ValueError(f'out of range. It must be at least {MIN_PERIOD_S:g} s, such as "15 s".')
    return seconds


def _some_or_none(replicas: int) -> int:
    if replicas < 0:
        raise ValueError("fewer than no replicas. Expected a whole number of at least 0, such as 2.")
    return replicas


def _not_idle(utilisation: float) -> float:
    if utilisation < 0.01:
        raise ValueError('out of range. A utilisation must be at least 1 % and at most 100 %; type, say, "80 %".')
    return utilisation


def _not_all(tolerance: float) -> float:
    if tolerance >= 1.0:
        raise ValueError('nothing would ever scale down. It must be less than 100 %; type, say, "10 %".')
    return tolerance


Replicas = Annotated[Count, Field(le=MAX_REPLICAS)]
Period = Annotated[PositiveSeconds, AfterValidator(_not_too_often)]
FixedReplicas = Annotated[Replicas, AfterValidator(_some_or_none)]
Utilisation = Annotated[Share, AfterValidator(_not_idle)]
Tolerated = Annotated[Share, AfterValidator(_not_all)]
