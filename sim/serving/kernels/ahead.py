"""Draws made ahead, a block of requests at a time: the same numbers as one by one, several Philox calls at once."""

import numpy as np
from numpy.typing import NDArray

from sim.compiled import kernel
from sim.streams import Purpose, uniform

_SERVICE = int(Purpose.SERVICE)


@kernel
def service_uniforms(key: np.uint64, first_id: int, out: NDArray[np.float64]) -> None:
    """Fill `out` with the uniforms of the service of consecutive requests. key: of the workload's service stream."""
    for i in range(out.size):
        out[i] = uniform(key, first_id + i, 0, _SERVICE)
