"""Parameters of a request's way through stages, and of what its client does when an attempt fails."""

import math
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sim.config import Count, Parameters, Positive, PositiveSeconds, Share
from sim.serving import cascade
from sim.serving.discipline.calls import MOST_ATTEMPTS, MOST_SHARDS, MOST_STAGES
from sim.serving.kernels.state import MOST_BRANCHES

FAILURES = ("throttled", "rejected", "timed_out", "failed")
_SHARES_WITHIN = 1e-9  # what shares that add up to 1 may miss it by


class NoRetry(Parameters):
    """A client takes the first answer, or none."""

    kind: Literal["none"] = "none"


def _some_failure(after: tuple[str, ...]) -> tuple[str, ...]:
    if not after:
        raise ValueError(f"empty. Name at least one of {', '.join(FAILURES)}, or type retry: {{kind: none}}.")
    if len(set(after)) < len(after):
        raise ValueError("names an outcome twice. Type each once.")
    return after


def _a_growing_factor(factor: float) -> float:
    if not 1.0 <= factor <= 10.0:
        raise ValueError("out of range. It must be 1 (always the same wait) to 10, such as 2.")
    return factor


class ExponentialRetry(Parameters):
    """A client tries again after a failure, waiting longer each time (exponential back-off).

    max_attempts: the first included; after: outcomes after which it tries again; base_delay_s: wait after the first,
    times `multiplier` after each further one, up to max_delay_s; jitter: full (a uniform share of that wait) or none;
    budget: retries that all clients together may make for each request, on average (1: as many as requests); saved: of
    these, how many may be saved up, as at the start (gRPC proposal A6, retry throttling).
    """

    kind: Literal["exponential"] = "exponential"
    max_attempts: Annotated[Count, Field(ge=2, le=MOST_ATTEMPTS - 1)]
    after: Annotated[tuple[Literal["throttled", "rejected", "timed_out", "failed"], ...], AfterValidator(_some_failure)]
    base_delay_s: PositiveSeconds
    max_delay_s: PositiveSeconds
    multiplier: Annotated[Positive, AfterValidator(_a_growing_factor)]
    jitter: Literal["full", "none"]
    budget: Share
    saved: Annotated[Count, Field(ge=1, le=1_000_000_000)]


Retrying = Annotated[NoRetry | ExponentialRetry, Field(discriminator="kind")]


class Hedge(Parameters):
    """A second copy of what has not been answered after `after_s`: the first answer counts, the other one is dropped.

    A copy that is in service when the other one is answered stays there to its end (Dean and Barroso, "The tail at
    scale", CACM 2013).
    """

    after_s: PositiveSeconds


class Stage(Parameters):
    """One stage on a request's way.

    pool: that serves it (None: the workload's own); fan_out: parts that the request is split into, each served by
    itself, the slowest of which decides; hedge: of each part; next: stages that follow, each with the share of requests
    that go there, or with the confidence below which they do; all others have been answered; confidence: of this
    stage's answers.
    """

    pool: str | None = None
    fan_out: Annotated[Count, Field(ge=1, le=MOST_SHARDS)] = 1
    hedge: Hedge | None = None
    next: dict[str, cascade.Onward] = Field(default_factory=dict)
    confidence: cascade.Confidence | None = None

    @property
    def shares(self) -> dict[str, float]:
        """Share of requests that go on to each stage that follows."""
        return cascade.shares(self.next, self.confidence)


def way_problem(stages: Mapping[str, Stage]) -> tuple[tuple[str, ...], str] | None:
    """What is wrong with a path of stages, the first of which comes first: (where, sentence), or None."""
    if len(stages) >= MOST_STAGES:
        return (), f"{len(stages)} stages. Up to {MOST_STAGES - 1} are allowed."
    for name, stage in stages.items():
        where = (name, "next")
        unknown = [other for other in stage.next if other not in stages]
        if name in stage.next:
            return (*where, name), f"{name} leads back to itself. Type another stage, or leave it out."
        if unknown:
            return (*where, unknown[0]), f"no such stage. Stages: {', '.join(stages)}."
        if len(stage.next) > MOST_BRANCHES:
            return where, f"{len(stage.next)} stages. Up to {MOST_BRANCHES} may follow one."
        wrong = cascade.problem(stage.next, stage.confidence)
        if wrong is not None:
            return (name, *wrong[0]), wrong[1]
        if math.fsum(stage.shares.values()) > 1.0 + _SHARES_WITHIN:
            return (
                where,
                f"shares add up to {math.fsum(stage.shares.values()):.6g}, over 1. Type shares of at most 1 in all.",
            )
        if any(share == 0.0 for share in stage.shares.values()):
            return where, "a share of 0. Leave that stage out, or type a share above 0."
    return _loop(stages) or _never_reached(stages)


def in_order(stages: Mapping[str, Stage]) -> list[str]:
    """Names of stages that do not go round, each behind all those that lead to it."""
    order: list[str] = []
    while left := [name for name in stages if name not in order]:
        order += [name for name in left if not any(name in stages[other].next for other in left)]
    return order


def _loop(stages: Mapping[str, Stage]) -> tuple[tuple[str, ...], str] | None:
    """Stages that follow themselves in a round. Each is left once all that follow it have been seen to end."""
    ending: set[str] = set()
    while left := [name for name in stages if name not in ending]:
        new = [name for name in left if all(other in ending for other in stages[name].next)]
        if not new:
            chain = [left[0]]
            while (other := next(n for n in stages[chain[-1]].next if n not in ending)) not in chain:
                chain.append(other)
            loop = " -> ".join([*chain[chain.index(other) :], other])
            return (other, "next"), f"the stages go round: {loop}. A request must come to an end: take one step out."
        ending |= set(new)
    return None


def _never_reached(stages: Mapping[str, Stage]) -> tuple[tuple[str, ...], str] | None:
    if not stages:
        return None
    first = next(iter(stages))
    reached, ahead = {first}, [first]
    while ahead:
        new = [name for name in stages[ahead.pop()].next if name not in reached]
        reached |= set(new)
        ahead += new
    for name in stages:
        if name not in reached:
            return (name,), f"no request comes here: every way begins at {first}. Name {name} in a stage's next."
    return None
