"""Recording: which requests the log keeps."""

import numpy as np

from sim.compiled import inlined, kernel
from sim.streams import Purpose, uniform

_LOG = int(Purpose.LOG)


@inlined
def is_logged(share: float, key: np.uint64, request: int) -> bool:
    """Whether a request is of the share (0 to 1) that the log keeps: drawn by its id, whatever becomes of it.

    key: uint64, of a stream of its workload; a larger share holds all of a smaller one.
    """
    return share >= 1.0 or uniform(key, request, 0, _LOG) < share


draw_logged = kernel(is_logged)
