"""Batch formation: when a batch is due, and which of the queued requests have died waiting."""

from sim.compiled import inlined


@inlined
def batch_due(queued: int, max_batch: int, oldest_ns: int, delay_ns: int, now_ns: int, flush: bool) -> bool:
    """Whether an idle replica starts a batch now.

    queued: requests waiting; oldest_ns: arrival of the oldest; flush: nothing more will join this queue, so that
    waiting would be in vain. Full, or the oldest has waited max_queue_delay (Triton's dynamic batcher).
    """
    return queued > 0 and (queued >= max_batch or flush or oldest_ns + delay_ns <= now_ns)


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
