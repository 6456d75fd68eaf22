"""The reference engine's batch formation: how many of those who wait an idle replica takes, and who is next."""

from sim.serving.discipline.batching import batch_size, is_dead
from sim.serving.entities import Queue, Replica, Request
from sim.serving.reference_own import Disciplines
from sim.serving.rows import Row


def limit_of(p: Row, replica: Replica) -> int:
    """Most requests in a replica's next batch."""
    return int(replica.batch_limit) if p.step else p.max_batch


def due(p: Row, replica: Replica, queue: Queue, now_ns: int, flush: bool) -> int:
    """How many of a queue's requests an idle replica takes now, 0 for none yet. flush: it waits for no others."""
    queued, limit = len(queue.waiting), limit_of(p, replica)
    preferred = max((size for size in p.preferred if size <= min(queued, limit)), default=0)
    return batch_size(queued, limit, preferred, queue.oldest_ns, p.delay_ns, now_ns, flush)


def take_next(p: Row, queue: Queue, own: Disciplines, now_ns: int, after_timeouts: bool) -> Request:
    """Take the request out of a queue that is served next."""
    if not p.order:
        return queue.waiting.popleft()
    over = [is_over(r, now_ns, after_timeouts) for r in queue.waiting]
    place = own.choose_next(p, queue.waiting, over, now_ns)
    r = queue.waiting[place]
    del queue.waiting[place]
    return r


def is_over(r: Request, now_ns: int, after_timeouts: bool) -> bool:
    """Whether nobody waits any more for what is in a queue."""
    return is_dead(r.gives_up_ns, now_ns, after_timeouts) if r.call is None else not r.waited_for
