"""Service times: mean time of a batch by its size, what spreads around it, and a replica's slow first requests."""

import math
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, field_validator, model_validator

from sim.config import Count, Parameters, Positive, PositiveSeconds, Seconds, Share, Spread
from sim.laws import largest_lognormal, lognormal_sigma, weibull_scale, weibull_shape

MAX_BATCH = 4096  # assumption: above any batch a server forms; a mean service time is held for each size
MAX_POINTS = 10_000  # assumption: more measured times than that change no quantile that a run could show
MIN_CV = 0.02  # assumption: of gamma and weibull; less spread than any measurement shows
WITH_CV = ("lognormal", "gamma", "weibull")
ONE_IN_A_MILLION = 1e-6
_NORMAL = 4.753424  # normal quantile of 1 - ONE_IN_A_MILLION


class WarmUp(Parameters):
    """Slow first requests of a new replica: the first `requests` that it serves take `factor` times as long.

    A plateau and not a slope, as its two numbers can be read off any measurement: how many answers were slow, and how
    slow. A batch that begins before the replica has served `requests` is slow as a whole. It begins anew whenever a
    replica boots. Cause: components that initialise at their first use (TensorFlow Serving, SavedModel Warmup).
    """

    requests: Annotated[Count, Field(ge=1, le=1_000_000_000)]
    factor: Annotated[Positive, Field(ge=1, le=1_000_000)]


class QuantileTime(Parameters):
    """A share of all measured service times is at most `time_s`."""

    quantile: Share
    time_s: Seconds


class BatchTime(Parameters):
    """Measured mean time of a batch of this size."""

    batch: Annotated[Count, Field(ge=1, le=MAX_BATCH)]
    time_s: PositiveSeconds


class LinearTime(Parameters):
    """Mean time of a batch: base + per_item times its work.

    base_s, per_item_s: seconds, as in Inoue, "Queueing analysis of GPU-based inference servers with dynamic batching"
    (2021), Assumption 4. The work of a batch is its number of requests; with size_cv above 0 each request has a
    lognormal size of mean one and that coefficient of variation, and the work is the sum of sizes, or with padding
    their number times the largest, as for inputs that are padded to one length.
    """

    kind: Literal["linear"] = "linear"
    base_s: Seconds
    per_item_s: Seconds
    size_cv: Spread = 0.0
    padding: bool = False

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self.base_s + self.per_item_s < 1e-9:
            raise ValueError("base and per_item are both zero. A batch must take time; type for example base: 2 ms.")
        if self.size_cv > 0.0 and self.per_item_s == 0.0:
            raise ValueError(
                f"size_cv {self.size_cv:g} changes nothing where per_item is 0 s. Type a per_item above 0, or "
                "size_cv: 0."
            )
        if self.padding and self.size_cv == 0.0:
            raise ValueError(
                "padding: true pads to the largest size, and all sizes are alike. Type a size_cv above 0, such as "
                "size_cv: 0.5, or padding: false."
            )
        return self

    @property
    def largest_batch(self) -> int:
        """Largest batch whose time is known."""
        return MAX_BATCH

    def mean_s(self, batch: int) -> float:
        """Mean service time in seconds of a batch of `batch` requests."""
        if self.padding:
            return self.base_s + self.per_item_s * batch * largest_lognormal(batch, lognormal_sigma(self.size_cv))
        return self.base_s + batch * self.per_item_s

    def least_s(self) -> float:
        """Mean time in seconds of the smallest batch there is: of one request, one in a million by its size."""
        return self.base_s + self.per_item_s * _least_lognormal(self.size_cv)


class TableTime(Parameters):
    """Mean time of a batch as measured: linear between the batch sizes of the table.

    points: by batch size, the first of a request alone; no batch may be larger than the last, as nothing is known
    about it. Times may fall with the batch: some sizes suit a device better than the next smaller one.
    """

    kind: Literal["table"] = "table"
    points: Annotated[tuple[BatchTime, ...], Field(max_length=MAX_BATCH)]

    @field_validator("points")
    @classmethod
    def _in_order(cls, value: tuple[BatchTime, ...]) -> tuple[BatchTime, ...]:
        if not value:
            raise ValueError("empty. Type one or more measured times, such as points: [{batch: 1, time: 3 ms}].")
        if value[0].batch != 1:
            raise ValueError(
                f"begins with a batch of {value[0].batch}, so that the time of a request alone is unknown. Put "
                "{batch: 1, time: …} first."
            )
        _refuse_disorder([point.batch for point in value], "batch")
        return value

    @property
    def largest_batch(self) -> int:
        """Largest batch whose time is known."""
        return self.points[-1].batch

    def mean_s(self, batch: int) -> float:
        """Mean service time in seconds of a batch of `batch` requests. Raises ValueError beyond the table."""
        if not 1 <= batch <= self.largest_batch:
            raise ValueError(f"a batch of {batch}, and the table goes from 1 to {self.largest_batch}")
        right = bisect_left(self.points, batch, key=lambda point: point.batch)
        if self.points[right].batch == batch:
            return self.points[right].time_s
        a, b = self.points[right - 1], self.points[right]
        return a.time_s + (b.time_s - a.time_s) * (batch - a.batch) / (b.batch - a.batch)

    def least_s(self) -> float:
        """Mean time in seconds of the fastest batch in the table."""
        return min(point.time_s for point in self.points)


class Spreading(Parameters):
    """What a service says beside the mean time of its batches.

    distribution: of a random factor of mean one, drawn for each batch: constant, exponential; lognormal, gamma or
    weibull with coefficient of variation cv (standard deviation over mean); or empirical, with the shape of measured
    times: either `times`, the smallest at probability 0 and the largest at 1 (Hyndman and Fan 1996, type 7), or
    `quantiles`, from 0 % to 100 %, linear in between. Measured times are rescaled to mean one, so that the mean of a
    batch stays what base and per_item, or the table, say. warm_up: slow first requests of a new replica, null for none;
    hardware, model, source: what the numbers were measured on (model: name of the model, empty where it does not
    matter).
    """

    distribution: Literal["constant", "exponential", "lognormal", "gamma", "weibull", "empirical"] = "constant"
    cv: Spread = 0.0
    times_s: Annotated[tuple[Seconds, ...], Field(max_length=MAX_POINTS)] = ()
    quantiles: Annotated[tuple[QuantileTime, ...], Field(max_length=MAX_POINTS)] = ()
    warm_up: WarmUp | None = None
    hardware: str
    model: str = ""
    source: str

    @field_validator("quantiles")
    @classmethod
    def _whole(cls, value: tuple[QuantileTime, ...]) -> tuple[QuantileTime, ...]:
        if value and (value[0].quantile != 0.0 or value[-1].quantile != 1.0):
            raise ValueError(
                f"from {value[0].quantile:.6g} to {value[-1].quantile:.6g}, and what lies beyond is unknown. Begin "
                "with {quantile: 0 %, time: …}, the shortest, and end with {quantile: 100 %, time: …}, the longest."
            )
        _refuse_disorder([point.quantile for point in value], "quantile")
        for before, after in pairwise(value):
            if after.time_s < before.time_s:
                raise ValueError(
                    f"{after.time_s:g} s at {after.quantile:.6g} after {before.time_s:g} s at {before.quantile:.6g}. "
                    "Times cannot fall with the quantile; type them in order."
                )
        return value

    @model_validator(mode="after")
    def _one_law(self) -> Self:
        for problem in _spread_problems(self):
            raise ValueError(problem)
        return self

    def measured(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities (from 0 to 1) and factors (of mean one) of the points of an empirical law."""
        if self.quantiles:
            p, times = [q.quantile for q in self.quantiles], [q.time_s for q in self.quantiles]
        else:
            p, times = list(np.linspace(0.0, 1.0, len(self.times_s))), sorted(self.times_s)
        at, factors = np.array(p), np.array(times)
        mean = float(np.sum(np.diff(at) * (factors[1:] + factors[:-1]) / 2))
        return at, factors / mean

    def least_factor(self) -> float:
        """Smallest random factor: none of an exponential law (0), the least one measured, else one in a million."""
        match self.distribution:
            case "exponential":
                return 0.0
            case "gamma":
                from scipy.special import gammaincinv

                return float(gammaincinv(self.cv**-2, ONE_IN_A_MILLION)) * self.cv**2
            case "weibull":
                shape = weibull_shape(self.cv)
                return weibull_scale(shape) * math.pow(-math.log1p(-ONE_IN_A_MILLION), 1.0 / shape)
            case "empirical":
                return float(self.measured()[1][0])
        return _least_lognormal(self.cv)


class LinearService(Spreading, LinearTime):
    """Service time of a batch of b requests: t(b) = base + b * per_item, times a random factor of mean one."""

    def fastest_s(self) -> float:
        """Shortest service time in seconds that can occur."""
        return self.least_s() * self.least_factor()


class TableService(Spreading, TableTime):
    """Service time of a batch by a measured table, times a random factor of mean one."""

    def fastest_s(self) -> float:
        """Shortest service time in seconds that can occur."""
        return self.least_s() * self.least_factor()


def _linear_by_default(node: Any) -> Any:
    """A group of keys that says no kind is linear."""
    return {"kind": "linear", **node} if isinstance(node, dict) else node


Service = Annotated[
    LinearService | TableService, Field(discriminator="kind"), BeforeValidator(_linear_by_default)
]  # fmt: skip


def _least_lognormal(cv: float) -> float:
    """One-in-a-million quantile of a lognormal factor of mean one."""
    sigma2 = math.log1p(cv**2)
    return math.exp(-sigma2 / 2 - _NORMAL * math.sqrt(sigma2))


def _refuse_disorder(values: list[int] | list[float], what: str) -> None:
    for before, after in pairwise(values):
        if after <= before:
            raise ValueError(f"{what} {after:g} after {what} {before:g}. Each must be larger than the one before.")


def _spread_problems(service: Spreading) -> Iterator[str]:
    """What of a distribution's numbers is missing, out of range, or belongs to another one."""
    law, cv = service.distribution, service.cv
    if law in WITH_CV and cv == 0.0:
        yield f"{law} needs a cv above 0, such as cv: 0.3; for none type distribution: constant."
    if law not in WITH_CV and cv != 0.0:
        yield f"cv belongs to distribution: lognormal, gamma or weibull; {law} has none. Type cv: 0."
    if law in ("gamma", "weibull") and cv < MIN_CV:
        yield f"{law} with cv {cv:g}. It must be at least {MIN_CV:g}; for less type distribution: constant and cv: 0."
    points = len(service.times_s) + len(service.quantiles)
    if law != "empirical" and points:
        yield f"times and quantiles belong to distribution: empirical; {law} has none. Leave them out."
    if law != "empirical":
        return
    if service.times_s and service.quantiles:
        yield "both times and quantiles are given. Leave one of them out."
    elif points < 2:
        yield (
            "empirical needs two or more measured times, such as times: [9 ms, 11 ms, 40 ms], or quantiles: "
            "[{quantile: 0 %, time: 9 ms}, {quantile: 100 %, time: 40 ms}]."
        )
    elif max(service.times_s, default=0.0) + max((q.time_s for q in service.quantiles), default=0.0) <= 0.0:
        yield "every measured time is 0 s. Type times above 0, such as times: [9 ms, 11 ms, 40 ms]."


def variation(service: Service) -> NDArray[np.float64]:
    """Numbers of a service for the kernels, see `sim.serving.discipline.service`; empty where it needs none."""
    sizes = isinstance(service, LinearService) and service.size_cv > 0.0
    law: list[float] = []
    match service.distribution:
        case "gamma":
            law = [service.cv**-2, service.cv**2]
        case "weibull":
            shape = weibull_shape(service.cv)
            law = [shape, weibull_scale(shape)]
        case "empirical":
            p, factors = service.measured()
            law = [float(len(p)), *p.tolist(), *factors.tolist()]
    if not (law or sizes or service.warm_up):
        return np.zeros(0)
    linear = [service.base_s * 1e9, service.per_item_s * 1e9] if isinstance(service, LinearService) else [0.0, 0.0]
    size = [lognormal_sigma(service.size_cv), float(service.padding)] if isinstance(service, LinearService) else [0, 0]
    slow = [float(service.warm_up.requests), service.warm_up.factor] if service.warm_up else [0.0, 1.0]
    return np.array([*linear, *size, *slow, *law])
