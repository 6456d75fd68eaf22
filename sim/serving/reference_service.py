"""The reference engine's service times: how long a replica is busy with a batch."""

from sim.serving.discipline.calls import key_of_visit
from sim.serving.discipline.service import (
    PADDING,
    add_size,
    draw_item_size,
    draw_service_ns,
    draw_varied_ns,
    sized_ns,
)
from sim.serving.entities import Request
from sim.serving.rows import Row
from sim.serving.steering import Traffic
from sim.streams import Purpose


def service_ns(p: Row, batch: list[Request], served: int, traffic: list[Traffic]) -> int:
    """Service time of a batch at a row; served: requests that the replica has served since it was ready."""
    first, mean_ns = batch[0], float(p.mean_ns[len(batch)])
    # a plain number to Python, which numba would take for a signed one where it is small
    key = key_of_visit(traffic[first.workload].service_key, first.draw)
    purpose = int(Purpose.SERVICE)
    if not len(p.variation):
        return int(draw_service_ns(mean_ns, p.distribution, p.sigma, key, first.request, purpose))
    base_ns, per_item_ns, size_sigma, padding = p.variation[: PADDING + 1].tolist()
    if size_sigma > 0.0:
        work = 0.0
        for r in batch:
            size = draw_item_size(traffic[r.workload].service_key, r.request, size_sigma, int(Purpose.SIZE))
            work = add_size(work, size, padding > 0.0)
        mean_ns = sized_ns(base_ns, per_item_ns, work, len(batch), padding > 0.0)
    took = draw_varied_ns(
        mean_ns, served, p.distribution, p.sigma, p.variation, 0, key, first.request, purpose
    )  # fmt: skip
    return int(took)
