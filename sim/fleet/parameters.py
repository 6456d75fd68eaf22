"""Parameters of machines and of the models loaded on them."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from sim.config import LongSeconds, Parameters, PositiveBytes, PositiveLongSeconds, Seconds, Share, UsdPerHour
from sim.policy.bounds import Period


class Machine(Parameters):
    """A machine type: what it costs, what it holds and how long it takes to get one.

    price_usd_per_h: on demand, while it exists; memory_bytes: of its accelerator; provisioning_s: from request to a
    booted machine; billing_increment_s, billing_minimum_s: time is billed in such steps, and at least so much.
    """

    name: str
    accelerator: str
    price_usd_per_h: UsdPerHour
    memory_bytes: PositiveBytes
    provisioning_s: Seconds
    billing_increment_s: Seconds
    billing_minimum_s: Seconds
    source: str


class Model(Parameters):
    """The model a replica serves: accelerator memory it needs (bytes) and the time to load it (s) once booted."""

    name: str
    memory_bytes: PositiveBytes
    load_s: Seconds


class ReplicaType(Parameters):
    """One replica: one machine with one model loaded."""

    machine: Machine
    model: Model

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.model.memory_bytes > self.machine.memory_bytes:
            raise ValueError(
                f"model {self.model.name} needs {self.model.memory_bytes / 1e9:g} GB and {self.machine.name} has "
                f"{self.machine.memory_bytes / 1e9:g} GB. Choose a machine with more memory (poc2scale list machine) "
                "or a smaller model.memory."
            )
        return self


_MOST_HELD = 1000  # assumption: a day of lag at a scrape every 90 s; all of them are held in memory


class Scrape(Parameters):
    """How a controller's metrics come about: gauges and counters copied every `interval_s`, usable after `lag_s`."""

    interval_s: Period = 15.0  # metrics-server --metric-resolution default, kubernetes-sigs/metrics-server 0.7
    lag_s: Seconds = 0.0  # assumption: the scrape is there at once

    @field_validator("lag_s")
    @classmethod
    def _few_held(cls, value: float, info: ValidationInfo) -> float:
        interval_s = info.data.get("interval_s")
        if interval_s is not None and value > _MOST_HELD * interval_s:
            raise ValueError(
                f"more than {_MOST_HELD} scrapes would be under way. It must be at most {_MOST_HELD} times "
                f"scrape.interval; type a shorter lag or a longer interval."
            )
        return value


_SHORTEST_LIFE_S = 60.0  # assumption: a controller that restarts more often than every minute is no controller
_MOST_RESTARTS = 1000  # assumption: who means more of them means a mean interval


def _lives_a_while(seconds: float) -> float:
    if seconds < _SHORTEST_LIFE_S:
        raise ValueError('out of range. It must be at least 1 min, such as "30 d"; null means never.')
    return seconds


class Control(Parameters):
    """How regularly a controller is asked, and when it forgets.

    offset_s: its clock starts up to so much later than the pool, drawn once; jitter: each of its ticks comes up to this
    share of its period late, drawn for each; restart_every_s: mean time between two restarts at random, which lose its
    state (None: never); restart_at_s: restarts at these times since the scenario's start.
    """

    offset_s: Seconds = 0.0  # assumption: it starts with the pool
    jitter: Share = 0.0  # assumption: its ticks are on time
    restart_every_s: Annotated[PositiveLongSeconds, AfterValidator(_lives_a_while)] | None = None  # assumption: never
    restart_at_s: Annotated[tuple[LongSeconds, ...], Field(max_length=_MOST_RESTARTS)] = ()
