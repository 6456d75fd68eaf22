"""The log of the compiled path, thinned to the share of requests that is asked for."""

from typing import Any

from numpy.typing import NDArray

from sim.compiled import kernel
from sim.serving.discipline.recording import is_logged


@kernel
def thin(log: NDArray[Any], length: int, workloads: NDArray[Any], share: float) -> int:
    """Move those of the first `length` entries that are kept to the front, in their order; how many.

    Done where the log is taken out, so that the kernel that writes it knows nothing of shares.
    """
    kept = 0
    for i in range(length):
        if is_logged(share, workloads[log[i].workload].exposure_key, log[i].request):
            log[kept] = log[i]
            kept += 1
    return kept
