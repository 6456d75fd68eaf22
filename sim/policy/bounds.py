"""How many replicas a pool may have, and how often it may be looked at."""

from typing import Annotated

from pydantic import AfterValidator, Field

from sim.config import Count, PositiveSeconds

MAX_REPLICAS = 10_000  # assumption: beyond any pool of one product; a router's order has room for 2**20 places
MIN_PERIOD_S = 0.1  # assumption: no metrics pipeline is faster, and a run would do nothing but look


def _not_too_often(seconds: float) -> float:
    if seconds < MIN_PERIOD_S:
        raise ValueError(f'out of range. It must be at least {MIN_PERIOD_S:g} s, such as "15 s".')
    return seconds


Replicas = Annotated[Count, Field(le=MAX_REPLICAS)]
Period = Annotated[PositiveSeconds, AfterValidator(_not_too_often)]
