"""Availability zones: where a replica stands, where a request comes from, and whether it has to cross."""

import numpy as np

from sim.compiled import inlined
from sim.streams import Purpose, uniform

_ZONE = int(Purpose.ZONE)


@inlined
def zone_of_replica(replica: int, zones: int) -> int:
    """Zone of a replica, in turn. replica: its slot, counted from its row's first."""
    return replica % zones


@inlined
def zone_of_request(key: np.uint64, request: int, zones: int) -> int:
    """Zone that a request comes from, each as likely. key: of its workload's service stream."""
    return int(uniform(key, request, 0, _ZONE) * zones)
