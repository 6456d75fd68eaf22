"""Parameters of what comes before the queue: who is let in (`admission`), what is answered from memory (`cache`)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sim.config import Count, Parameters, PositiveBytes, PositiveLongSeconds, Rate, Seconds, UsdPerGbHour

MAX_TOKEN_RATE_PER_S = 1e6  # a token is a whole number of nanoseconds, and so exact to a thousandth
MIN_TOKEN_RATE_PER_S = 1e-3 / 86_400  # assumption: a token in three years; much slower ones overflow nanoseconds
MAX_ENTRIES = 10_000_000  # assumption: each takes about 56 bytes while the run lasts


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


class LruCache(Parameters):
    """Answers kept in memory, the least recently used one leaving first.

    capacity: answers held; ttl_s: how long an answer counts, from when it was given (None: for ever); hit_latency_s: of
    an answer from memory; on_deploy: whether a new model empties the cache; entry_bytes: memory of one answer;
    price_usd_per_gb_h: of memory provisioned, used or not.
    """

    kind: Literal["lru"] = "lru"
    capacity: Annotated[Count, Field(ge=1, le=MAX_ENTRIES)]
    ttl_s: PositiveLongSeconds | None = None
    hit_latency_s: Seconds
    on_deploy: Literal["empty", "keep"]
    entry_bytes: PositiveBytes
    price_usd_per_gb_h: UsdPerGbHour


Cache = Annotated[NoCache | LruCache, Field(discriminator="kind")]
