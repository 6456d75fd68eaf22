"""What most controllers are told first: the fewest and the most replicas, and how many to begin with."""

from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from sim.config import Count, Parameters
from sim.policy.bounds import Replicas


class Bounded(Parameters):
    """A controller with a smallest and a largest count. `lowest`: below it the smallest may not lie."""

    lowest: ClassVar[int] = 1

    kind: str
    min_replicas: Count = 1
    max_replicas: Replicas
    start_replicas: Count | None = Field(default=None, alias="initial_replicas")  # None: min_replicas

    @field_validator("min_replicas")
    @classmethod
    def _not_below(cls, value: int) -> int:
        if value < cls.lowest:
            why = "" if cls.lowest == 0 else "this controller never scales to zero. "
            raise ValueError(f"too few. {why}It must be a whole number of at least {cls.lowest}.")
        return value

    @field_validator("max_replicas")
    @classmethod
    def _max_above_min(cls, value: int, info: ValidationInfo) -> int:
        low = max(1, info.data.get("min_replicas", 1))
        if value < low:
            raise ValueError(
                f"less than min_replicas ({low}). Raise max_replicas to at least {low} or lower min_replicas."
                if low > 1
                else "no replica at all. It must be at least 1."
            )
        return value

    @field_validator("start_replicas")
    @classmethod
    def _start_within(cls, value: int | None, info: ValidationInfo) -> int | None:
        low, high = info.data.get("min_replicas"), info.data.get("max_replicas")
        if value is not None and low is not None and high is not None and not low <= value <= high:
            raise ValueError(f"outside min_replicas to max_replicas. Expected a whole number from {low} to {high}.")
        return value

    @property
    def initial_replicas(self) -> int:
        """Count at the start."""
        return self.min_replicas if self.start_replicas is None else self.start_replicas
