"""Parameters of batch formation: which of those who wait a replica serves together, and when."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.config import Count, Parameters, Positive, PositiveSeconds, Seconds

MAX_BATCH = 4096  # assumption: above any batch a server forms; a mean service time is held for each size
BatchSize = Annotated[Count, Field(ge=1, le=MAX_BATCH)]


class NoBatching(Parameters):
    """One request at a time."""

    kind: Literal["none"] = "none"

    @property
    def max_batch_size(self) -> int:
        """One."""
        return 1

    @property
    def max_queue_delay_s(self) -> float:
        """None."""
        return 0.0


class Batching(Parameters):
    """Dynamic batching: a batch starts when it is full, or when its oldest request has waited `max_queue_delay_s`.

    max_batch_size 1 means none; preferred_sizes: in rising order; an idle replica takes the largest of them that those
    who wait fill, at once, and only where they fill none, or the oldest has waited too long, as many as there are. Who
    has timed out while waiting counts until a batch is formed, which may so be smaller; a request is a batch of one.
    Otherwise the semantics of Triton's dynamic batcher (max_queue_delay_microseconds, preferred_batch_size), "Batchers"
    in its user guide, docs.nvidia.com, and src/dynamic_batch_scheduler.cc.
    """

    kind: Literal["dynamic"] = "dynamic"
    max_batch_size: BatchSize = 1
    max_queue_delay_s: Seconds = 0.0
    preferred_sizes: Annotated[tuple[BatchSize, ...], Field(max_length=64)] = ()  # as in Triton: none

    @model_validator(mode="after")
    def _sizes_in_order(self) -> Self:
        sizes = self.preferred_sizes
        if list(sizes) != sorted(set(sizes)):
            rising = ", ".join(str(size) for size in sorted(set(sizes)))
            raise ValueError(f"preferred_sizes out of order. Each must be above the one before; type [{rising}].")
        if sizes and sizes[-1] > self.max_batch_size:
            raise ValueError(
                f"a preferred size of {sizes[-1]} above max_batch_size {self.max_batch_size}. Type smaller "
                f"preferred_sizes, or max_batch_size: {sizes[-1]}."
            )
        return self


class WhenIdle(Parameters):
    """A replica takes all who wait, up to `max_batch_size`, as soon as it is free, and waits for nobody.

    The policy of Inoue, "Queueing analysis of GPU-based inference servers with dynamic batching" (2021).
    """

    kind: Literal["when_idle"] = "when_idle"
    max_batch_size: BatchSize = MAX_BATCH

    @property
    def max_queue_delay_s(self) -> float:
        """None."""
        return 0.0


class AdaptiveBatching(Parameters):
    """The largest batch of each replica follows a target of time: additive increase, multiplicative decrease.

    It is 1 when a replica becomes ready, grows by `step` with each batch that fills it and takes at most `target_s`,
    and is multiplied by `decrease` with each that takes longer; from 1 to max_batch_size. Below it, batches form as in
    dynamic batching. Clipper (Crankshaw et al., NSDI 2017), section 4.3: target is its latency objective, decrease its
    back-off by a tenth, max_queue_delay_s its delayed batching; where a batch is not full it grows no further here.
    """

    kind: Literal["adaptive"] = "adaptive"
    target_s: PositiveSeconds
    step: BatchSize = 1  # assumption: Clipper adds "a fixed amount"
    decrease: Annotated[Positive, Field(lt=1.0)] = 0.9  # Clipper: "a small multiplicative backoff", 10 %
    max_batch_size: BatchSize = MAX_BATCH
    max_queue_delay_s: Seconds = 0.0  # Clipper: no delay but for models that gain by it


def _dynamic_by_default(value: Any) -> Any:
    """A node without a kind is dynamic batching. Raises ValueError for what is no node."""
    if not isinstance(value, dict | Parameters):
        raise ValueError(
            "not a group of keys. Type for example {kind: none}, {kind: when_idle} or "
            "{kind: dynamic, max_batch_size: 8, max_queue_delay: 5 ms}."
        )
    return {"kind": "dynamic", **value} if isinstance(value, dict) and "kind" not in value else value


BatchFormation = Annotated[
    NoBatching | Batching | WhenIdle | AdaptiveBatching,
    Field(discriminator="kind"),
    BeforeValidator(_dynamic_by_default),
]
