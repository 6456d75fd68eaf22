"""Batch formation: when a batch is due and how large it is, and which of the queued requests have died waiting."""

from sim.compiled import inlined


@inlined
def batch_size(
    queued: int, max_batch: int, preferred: int, oldest_ns: int, delay_ns: int, now_ns: int, flush: bool
) -> int:  # fmt: skip
    """How many of those who wait an idle replica takes now; 0 when it goes on waiting for more.

    queued: requests waiting; preferred: the largest preferred size that they fill, 0 for none; oldest_ns: arrival of
    the oldest; flush: nothing more will join this queue, so that waiting would be in vain. Triton's dynamic batcher
    (DynamicBatchScheduler::GetDynamicBatch): a preferred size at once, unless the oldest has waited max_queue_delay;
    otherwise all who fit, when they fill a batch or the oldest has waited so long. Those who have died waiting count
    until a batch is formed, so that a batch may turn out smaller.
    """
    if preferred > 0 and (delay_ns == 0 or oldest_ns + delay_ns > now_ns):
        return preferred
    if queued >= max_batch or flush or oldest_ns + delay_ns <= now_ns:
        return min(queued, max_batch)
    return 0


def preferred_by_size(preferred: tuple[int, ...], max_batch: int) -> list[int]:
    """The largest preferred size that 0, 1, ..., max_batch requests fill; 0 where they fill none."""
    return [max((size for size in preferred if size <= queued), default=0) for queued in range(max_batch + 1)]


@inlined
def next_limit(
    limit: float, batch: int, took_ns: int, target_ns: int, step: int, decrease: float, max_batch: int
) -> float:  # fmt: skip
    """A replica's limit to its batches after one of `batch` requests took `took_ns`: additive increase, multiplicative
    decrease (Clipper, Crankshaw et al., NSDI 2017, section 4.3.1).

    `step` more after a batch within the target that filled the limit (a smaller one says nothing about it), `decrease`
    times as many after one beyond the target; from 1 to max_batch, counted in whole requests when a batch is formed.
    """
    if took_ns > target_ns:
        return max(1.0, limit * decrease)
    if batch >= int(limit):
        return min(float(max_batch), limit + step)
    return limit


@inlined
def is_dead(deadline_ns: int, now_ns: int, after_timeouts: bool) -> bool:
    """Whether a queued request has timed out by now.

    after_timeouts: the present event comes after the timeouts of this instant in the order of events.
    """
    return deadline_ns < now_ns or (after_timeouts and deadline_ns == now_ns)


@inlined
def has_room(queued: int, capacity: int, idle: bool, max_batch: int, delay_ns: int) -> bool:
    """Whether a queue takes one more request: there is room, or it would go into service at once."""
    return queued < capacity or (idle and (delay_ns == 0 or queued + 1 >= max_batch))
