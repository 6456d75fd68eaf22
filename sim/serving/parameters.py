"""Parameters of the request path: service time, batching, queue, and the pay-per-request API."""

import math
from typing import Literal, Self

from pydantic import model_validator

from sim.config import Parameters, PositiveSeconds, Seconds, Spread, Usd, UsdPerMtok
from sim.serving.batching import Batching as Batching
from sim.serving.waiting import Queue as Queue


class LinearService(Parameters):
    """Service time of a batch of b requests: t(b) = base + b * per_item, times a random factor of mean one.

    base_s, per_item_s: seconds, as in Inoue, "Queueing analysis of GPU-based inference servers with dynamic batching"
    (2021), Assumption 4; distribution: constant, exponential or lognormal with coefficient of variation cv (standard
    deviation over mean); hardware, model, source: what the numbers were measured on (model: name of the model, empty
    where it does not matter).
    """

    kind: Literal["linear"] = "linear"
    base_s: Seconds
    per_item_s: Seconds
    distribution: Literal["constant", "exponential", "lognormal"] = "constant"
    cv: Spread = 0.0
    hardware: str
    model: str = ""
    source: str

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self.base_s + self.per_item_s < 1e-9:
            raise ValueError("base and per_item are both zero. A batch must take time; type for example base: 2 ms.")
        if self.distribution == "lognormal" and self.cv == 0.0:
            raise ValueError("lognormal needs a cv above 0, such as cv: 0.3; for none type distribution: constant.")
        if self.distribution != "lognormal" and self.cv != 0.0:
            raise ValueError(f"cv belongs to distribution: lognormal; {self.distribution} has none. Type cv: 0.")
        return self

    def mean_s(self, batch: int) -> float:
        """Mean service time in seconds of a batch of `batch` requests."""
        return self.base_s + batch * self.per_item_s

    def fastest_s(self) -> float:
        """Shortest service time in seconds that can occur: of one request, under the distribution's fastest factor.

        Constant: the mean. Exponential: none (0). Lognormal: its one-in-a-million quantile.
        """
        if self.distribution == "exponential":
            return 0.0
        sigma2 = math.log1p(self.cv**2)
        return self.mean_s(1) * math.exp(-sigma2 / 2 - 4.753424 * math.sqrt(sigma2))


class ApiLatency(Parameters):
    """Latency of a hosted API as the client sees it: lognormal with this median (s) and coefficient of variation."""

    median_s: PositiveSeconds
    cv: Spread


class Api(Parameters):
    """A model rented by the request: latency without queueing, and a price per request and per million tokens."""

    name: str
    latency: ApiLatency
    request_usd: Usd
    prompt_usd_per_mtok: UsdPerMtok
    output_usd_per_mtok: UsdPerMtok
    source: str
