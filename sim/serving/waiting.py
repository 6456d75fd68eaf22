"""Parameters of waiting: room in a queue, who goes first, and how long a request is willing to stay."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from sim.config import Count, Parameters, PositiveSeconds, Spread
from sim.serving.discipline.queueing import LEVELS
from sim.serving.own import OwnDiscipline

MAX_QUEUE = 10_000_000  # assumption: each waiting request takes 64 bytes, so one full queue is about 0.64 GB
REJECT = "reject"


class Queue(Parameters):
    """Room to wait: requests that each queue holds beyond those in service.

    overflow: what happens to one more, and to one that finds no replica to wait for: reject, or the name of another
    pool, whose router takes it (and may reject it: that pool overflows nowhere); order: a user's own function that says
    who is served next (None: the highest priority, and within it who came first).
    """

    capacity: Annotated[Count, Field(ge=0, le=MAX_QUEUE)]
    overflow: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")] = REJECT
    order: OwnDiscipline | None = None

    @field_validator("order", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        if value is not None and not isinstance(value, Mapping | OwnDiscipline):
            raise ValueError("not a group of keys. Type {kind: own, name: NAME}, or null.")
        return value


Priority = Annotated[Count, Field(ge=0, le=LEVELS - 1)]
"""Rank of a workload's requests in every queue: the highest is served first, in order of arrival within it, and nobody
is interrupted."""


class EndlessPatience(Parameters):
    """A request waits until its deadline."""

    kind: Literal["none"] = "none"


class _Patience(Parameters):
    """How long a request waits in a queue. mean_s: on average."""

    mean_s: PositiveSeconds


class ConstantPatience(_Patience):
    """Everybody waits for the same time, and leaves the queue then; who is being served stays to the deadline."""

    kind: Literal["constant"] = "constant"


class ExponentialPatience(_Patience):
    """Patience without memory, as in the Erlang A model (Palm 1957; Garnett, Mandelbaum, Reiman 2002)."""

    kind: Literal["exponential"] = "exponential"


class LognormalPatience(_Patience):
    """Patience of many sizes. cv: coefficient of variation (standard deviation over mean)."""

    kind: Literal["lognormal"] = "lognormal"
    cv: Spread

    @model_validator(mode="after")
    def _spreads(self) -> Self:
        if self.cv == 0.0:
            raise ValueError("lognormal needs a cv above 0, such as cv: 1; for none type {kind: constant}.")
        return self


def _some_law(value: Any) -> Any:
    if not isinstance(value, dict | Parameters):
        raise ValueError("not a group of keys. Type for example {kind: exponential, mean: 5 s}, or {kind: none}.")
    return value


Patience = Annotated[
    EndlessPatience | ConstantPatience | ExponentialPatience | LognormalPatience,
    Field(discriminator="kind"),
    BeforeValidator(_some_law),
]
