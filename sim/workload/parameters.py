"""Parameters of demand: what a request is like, and when requests arrive."""

import math
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, field_validator

from sim.config import (
    Bytes,
    Count,
    NonNegative,
    Parameters,
    PositiveSeconds,
    Rate,
    Seconds,
    Share,
)
from sim.config.parameters import key_of
from sim.workload.attributes import Keys, Tenants, TraceKeys, UniqueKeys
from sim.workload.growth import FlatSeasonality, Growth, NoGrowth, Seasonality
from sim.workload.interarrival import Client, Interarrival
from sim.workload.occasions import Holidays, Launch, Spikes, Yearly
from sim.workload.recorded import Columns, FilePath, TimeZone

MAX_CLIENTS = 100  # assumption: a mix of a few skewed clients behaves like all (ServeGen); each costs time per arrival
MAX_LAUNCHES = 100  # assumption: one a month for eight years
_SHARES_WITHIN = 1e-6  # what the shares of a mix may miss 1 by
MAX_USERS = 1_000_000  # assumption: each takes 8 bytes, and about 200 while it waits
MAX_TOKENS = 1e8  # assumption: a hundred times the longest context window sold in 2026


def _more_than_zero(rate: float) -> float:
    if rate == 0.0:
        raise ValueError('out of range. It must be more than 0, such as "12 req/s".')
    return rate


def _a_second_or_more(seconds: float) -> float:
    if seconds < 1.0:
        raise ValueError('out of range. It must be at least 1 s, such as "1 h".')
    return seconds


PositiveRate = Annotated[Rate, AfterValidator(_more_than_zero)]
Resolution = Annotated[PositiveSeconds, AfterValidator(_a_second_or_more)]
Tokens = Annotated[NonNegative, Field(le=MAX_TOKENS)]


class Slo(Parameters):
    """What users are promised: of requests that ended, at least `share` were completed within `latency_s`."""

    latency_s: PositiveSeconds
    share: Share


class Demand(Parameters):
    """What every workload has, however its requests arrive.

    pool: pool that serves it; timeout_s: patience of the caller; slo: what users are promised; prompt_tokens,
    output_tokens: means per request (a replayed trace's own tokens win); response_bytes: sent to the user per
    completed request; log_bytes: written to the log per request.
    """

    pool: str = "main"
    timeout_s: PositiveSeconds
    slo: Slo
    prompt_tokens: Tokens
    output_tokens: Tokens
    response_bytes: Bytes
    log_bytes: Bytes


class Requests(Demand):
    """What single requests carry. keys: the content they ask for; tenants: who asks."""

    keys: Keys = Field(default_factory=UniqueKeys)
    tenants: Tenants = Tenants()

    @property
    def tenant_count(self) -> int:
        """How many tenants ask; a request's tenant is a number from 0 to one less."""
        return self.tenants.count

    @field_validator("keys")
    @classmethod
    def _known(cls, value: Keys) -> Keys:
        if isinstance(value, TraceKeys) and not issubclass(cls, ReplayWorkload):
            raise ValueError(
                "only a replayed trace has keys of its own. Type {kind: zipf} or {kind: unique}, or choose "
                "workload=replay."
            )
        return value


class RatedWorkload(Requests):
    """A demand curve: a time-varying rate, constant within each `resolution_s`, that all its factors multiply.

    rate_per_s: mean rate at the scenario's start, before all factors. Growth is taken at the middle of each interval;
    seasonality, yearly weights (12, January first, normalised to mean 1) and holidays at the civil moment of that
    middle; launches and spikes with their mean over the interval.
    """

    rate_per_s: PositiveRate
    resolution_s: Resolution = 3600.0  # assumption: an hour, the grain of the seasonality
    growth: Growth = Field(default_factory=NoGrowth)
    seasonality: Seasonality = Field(default_factory=FlatSeasonality)
    yearly: Yearly | None = None  # assumption: every month like every other
    holidays: Holidays | None = None  # assumption: none
    launches: Annotated[tuple[Launch, ...], Field(max_length=MAX_LAUNCHES)] = ()  # assumption: none
    spikes: Spikes | None = None  # assumption: none


class PoissonWorkload(RatedWorkload):
    """Poisson arrivals along a demand curve."""

    kind: Literal["poisson"] = "poisson"


class RenewalWorkload(RatedWorkload):
    """Renewal arrivals along a demand curve: burstier than Poisson where the coefficient of variation is above 1.

    interarrival: law of the time between two requests in operational time, in which the rate is 1.
    """

    kind: Literal["renewal"] = "renewal"
    interarrival: Interarrival


class ClientMixWorkload(RatedWorkload):
    """Several clients, each a renewal process with its share of one demand curve (ServeGen, Xiang et al. 2025).

    clients: their shares add up to 1. A request's tenant is its client, so `tenants` stays as it is.
    """

    kind: Literal["client_mix"] = "client_mix"
    clients: tuple[Client, ...]

    @property
    def tenant_count(self) -> int:
        """As many as there are clients."""
        return len(self.clients)

    @field_validator("clients")
    @classmethod
    def _whole(cls, value: tuple[Client, ...]) -> tuple[Client, ...]:
        if not 1 <= len(value) <= MAX_CLIENTS:
            raise ValueError(f"{len(value)} clients. Expected 1 to {MAX_CLIENTS}.")
        if any(client.share == 0.0 for client in value):
            raise ValueError("a client with a share of 0. Leave it out, or type a share above 0.")
        total = math.fsum(client.share for client in value)
        if abs(total - 1.0) > _SHARES_WITHIN:
            over = "over" if total > 1.0 else "under"
            raise ValueError(f"shares add up to {total:.6g}, {over} 1. Type shares whose sum is 1 (or 100 %).")
        return value

    @field_validator("tenants")
    @classmethod
    def _clients_are_tenants(cls, value: Tenants) -> Tenants:
        if value.count != 1:
            raise ValueError("each client of a mix is a tenant. Type count: 1, and one client for each tenant.")
        return value


class CountsWorkload(Requests):
    """As many arrivals in each interval as a file says, in uniform order within the interval.

    path: CSV or parquet file; time_column, count_column: its columns, of several names the first that it has;
    interval_s: length of each interval; timezone: zone of time stamps without an offset.
    """

    kind: Literal["counts"] = "counts"
    path: FilePath | None = None
    time_column: Columns = ("interval_start",)
    count_column: Columns = ("count",)
    interval_s: Annotated[PositiveSeconds, AfterValidator(_a_second_or_more)]
    timezone: TimeZone = "UTC"  # assumption: logs are kept in UTC


class ReplayWorkload(Requests):
    """The arrivals of a request trace, each at its recorded nanosecond.

    path: the Azure LLM inference CSV as published, or our own CSV or parquet format (docs/data.md); timezone: zone of
    time stamps without an offset.
    """

    kind: Literal["replay"] = "replay"
    path: FilePath | None = None
    timezone: TimeZone = "UTC"  # assumption: the Azure trace does not name its zone


class ThinkTime(Parameters):
    """How long a user thinks between an answer (or a failure) and the next request: on average, or always."""

    mean_s: Seconds
    distribution: Literal["constant", "exponential"] = "exponential"


class ClosedLoopWorkload(Requests):
    """Users who ask, wait for the answer, think, and ask again: the slower the service, the fewer requests.

    users: how many, of whom a phase's exposure lets a share in; think: between two requests of a user.
    """

    kind: Literal["closed_loop"] = "closed_loop"
    users: Annotated[Count, Field(ge=1, le=MAX_USERS)]
    think: ThinkTime

    @field_validator("keys")
    @classmethod
    def _no_content(cls, value: Keys) -> Keys:
        if not isinstance(value, UniqueKeys):
            raise ValueError("users of a closed loop ask for something else each time. Type keys: {kind: unique}.")
        return value

    @field_validator("tenants")
    @classmethod
    def _one_tenant(cls, value: Tenants) -> Tenants:
        if value.count != 1:
            raise ValueError("users of a closed loop are one tenant. Type count: 1.")
        return value


FileWorkload = CountsWorkload | ReplayWorkload
Workload = Annotated[
    PoissonWorkload | RenewalWorkload | ClientMixWorkload | CountsWorkload | ReplayWorkload | ClosedLoopWorkload,
    Field(discriminator="kind"),
]

_DEMAND_FIELDS = (
    "kind", "rate_per_s", "resolution_s", "growth", "seasonality", "yearly", "holidays", "launches", "spikes",
    "interarrival", "clients", "keys", "tenants", "users", "think", "path", "time_column", "count_column", "interval_s",
    "timezone",
)  # fmt: skip
DEMAND_KEYS: frozenset[str] = frozenset(_DEMAND_FIELDS) | frozenset(key_of(f) for f in _DEMAND_FIELDS)
"""Keys of a workload that a phase may not override, since potential demand does not react to the product's phases."""

_AnyWorkload = TypeVar("_AnyWorkload", bound=Requests)


def doubled(workload: _AnyWorkload, factor: float) -> _AnyWorkload:
    """The workload with `factor` times its rate, all else and every random draw the same.

    Raises ValueError for counts and replays, which come as they were recorded, and for closed loops.
    """
    if not isinstance(workload, RatedWorkload):
        kind = getattr(workload, "kind", "workload")
        why = "comes as it was recorded" if kind in ("counts", "replay") else "has no rate"
        raise ValueError(f"a {kind} workload {why}; only one with a rate can be scaled.")
    return workload.model_copy(update={"rate_per_s": workload.rate_per_s * factor})
