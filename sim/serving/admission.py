"""Parameters of what comes before the queue: who is let in (`admission`), what is answered from memory (`cache`)."""

import math
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from sim.config import (
    Count,
    Parameters,
    PositiveBytes,
    PositiveLongSeconds,
    Rate,
    Seconds,
    Share,
    Spread,
    UsdPerGbHour,
)

MAX_TOKEN_RATE_PER_S = 1e6  # a token is a whole number of nanoseconds, and so exact to a thousandth
MIN_TOKEN_RATE_PER_S = 1e-3 / 86_400  # assumption: a token in three years; much slower ones overflow nanoseconds
MAX_ENTRIES = 10_000_000  # assumption: each takes about 80 bytes while the run lasts, and twice that but for lru


def _some_rate(rate: float) -> float:
    if not MIN_TOKEN_RATE_PER_S <= rate <= MAX_TOKEN_RATE_PER_S:
        raise ValueError(
            'out of range. It must be at least 0.001 req/day and at most 1,000,000 req/s, such as "2 req/s"; to let '
            "everybody in type admission: {kind: none}, to let nobody in a phase's exposure: 0."
        )
    return rate


class NoAdmission(Parameters):
    """Everybody is let in."""

    kind: Literal["none"] = "none"


class TokenBucket(Parameters):
    """Each tenant has a bucket of tokens, and a request without one is throttled.

    rate_per_s: tokens that drip in, per tenant; burst: tokens that a bucket holds, full at the start (ITU-T I.371).
    """

    kind: Literal["token_bucket"] = "token_bucket"
    rate_per_s: Annotated[Rate, AfterValidator(_some_rate)]
    burst: Annotated[Count, Field(ge=1, le=1_000_000_000)]


Admission = Annotated[NoAdmission | TokenBucket, Field(discriminator="kind")]


class NoCache(Parameters):
    """Every request is served anew."""

    kind: Literal["none"] = "none"


class AnswerCache(Parameters):
    """Answers kept in memory by what was asked for. The kinds differ in which one leaves when room is needed.

    capacity: answers held, or memory_bytes: bytes held; one of them. ttl_s: how long an answer counts, from when it was
    given (None: for ever); hit_latency_s: of an answer from memory; on_deploy: whether a new model empties the cache;
    entry_bytes: memory of one answer, its mean where memory_bytes counts, with coefficient of variation entry_cv
    (lognormal, the same for each answer to the same question; one larger than the cache is not kept); scope: one cache
    for all (shared), or one of that size in each replica, which asks it before its queue and starts with an empty one;
    price_usd_per_gb_h: of memory provisioned, used or not.
    """

    capacity: Annotated[Count, Field(ge=1, le=MAX_ENTRIES)] | None = None
    memory_bytes: PositiveBytes | None = None
    ttl_s: PositiveLongSeconds | None = None
    hit_latency_s: Seconds
    on_deploy: Literal["empty", "keep"]
    entry_bytes: PositiveBytes
    entry_cv: Spread = 0.0
    scope: Literal["shared", "replica"] = "shared"
    price_usd_per_gb_h: UsdPerGbHour

    @field_validator("memory_bytes")
    @classmethod
    def _only_limit(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("capacity") is not None:
            raise ValueError(
                "a second limit: capacity counts answers, memory counts bytes. Type capacity: null to count bytes, or "
                "memory: null to count answers."
            )
        return value

    @field_validator("entry_bytes")
    @classmethod
    def _fits(cls, value: float, info: ValidationInfo) -> float:
        memory = info.data.get("memory_bytes")
        if memory is not None and not 1 <= memory / value <= MAX_ENTRIES:
            raise ValueError(
                f"memory has room for {memory / value:.3g} answers of this size. It must be for 1 to {MAX_ENTRIES:,}; "
                "type another entry or memory."
            )
        return value

    @field_validator("entry_cv")
    @classmethod
    def _matters(cls, value: float, info: ValidationInfo) -> float:
        if value > 0 and info.data.get("capacity") is not None:
            raise ValueError(
                "sizes of answers do not matter to a cache that counts answers. Type entry_cv: 0, or memory: 2 GB and "
                "capacity: null to count bytes."
            )
        return value

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        if self.capacity is None and self.memory_bytes is None:
            raise ValueError("a cache without a size. Type capacity: 100000 (answers), or memory: 2 GB.")
        return self

    @property
    def most_entries(self) -> int:
        """The most answers that it may ever hold: in bytes, twice as many as fit of the median size, and a few."""
        if self.capacity is not None:
            return self.capacity
        assert self.memory_bytes is not None
        fit = self.memory_bytes / self.entry_bytes * math.sqrt(1 + self.entry_cv**2)
        return min(MAX_ENTRIES, 2 * math.ceil(fit) + 16)

    @property
    def provisioned_gb(self) -> float:
        """Memory that is paid for, GB (1e9 bytes)."""
        size = self.memory_bytes if self.capacity is None else self.capacity * self.entry_bytes
        return (size or 0.0) / 1e9


class LruCache(AnswerCache):
    """The least recently used answer leaves first."""

    kind: Literal["lru"] = "lru"


class LfuCache(AnswerCache):
    """The least frequently used answer leaves first, of several the least recently used.

    Uses are counted while an answer is kept. Shah, Mitra and Matani, An O(1) algorithm for implementing the LFU cache
    eviction scheme (2010).
    """

    kind: Literal["lfu"] = "lfu"


class S3FifoCache(AnswerCache):
    """New answers wait in a small queue (10 %); those used more than once there, or asked for again soon after they
    left it, move to a main one (90 %), where each use, up to three, grants another round.

    Yang, Zhang, Qiu, Yue and Vinayak, FIFO queues are all you need for cache eviction, SOSP (2023).
    """

    kind: Literal["s3fifo"] = "s3fifo"


class SimilarityClass(Parameters):
    """Requests that resemble earlier ones alike: their share of all, the probability that the cache answers one, and
    the share of these answers that are another question's.
    """

    share: Share
    hit: Share
    wrong: Share = 0.0


class SemanticCache(Parameters):
    """A cache that answers what means the same as an earlier question, and is wrong at times. A wrong hit is given like
    any other, earns nothing and counts as lost value.

    classes: by name, shares that add up to one; a request belongs to a class, is answered and is wrong by chance,
    independently of all others, as in a cache that has been full for long: a new model does not empty it.
    hit_latency_s: of an embedding and a search; memory_bytes, price_usd_per_gb_h: of memory provisioned, used or not.
    """

    kind: Literal["semantic"] = "semantic"
    classes: Annotated[dict[str, SimilarityClass], Field(min_length=1, max_length=100)]
    hit_latency_s: Seconds
    memory_bytes: PositiveBytes
    price_usd_per_gb_h: UsdPerGbHour

    @field_validator("classes")
    @classmethod
    def _whole(cls, value: dict[str, SimilarityClass]) -> dict[str, SimilarityClass]:
        total = sum(of.share for of in value.values())
        if abs(total - 1.0) > 1e-6:
            raise ValueError(f"shares add up to {total:.6g}. Expected shares whose sum is 1.")
        if not any(of.share * of.hit for of in value.values()):
            raise ValueError("no class is ever answered. Give one a hit above 0 %, or type cache=none.")
        return value

    @property
    def hit(self) -> float:
        """Share of requests that it answers."""
        return min(1.0, sum(of.share * of.hit for of in self.classes.values()))

    @property
    def wrong(self) -> float:
        """Share of requests that it answers wrongly."""
        return min(self.hit, sum(of.share * of.hit * of.wrong for of in self.classes.values()))

    @property
    def provisioned_gb(self) -> float:
        """Memory that is paid for, GB (1e9 bytes)."""
        return self.memory_bytes / 1e9


Cache = Annotated[NoCache | LruCache | LfuCache | S3FifoCache | SemanticCache, Field(discriminator="kind")]
