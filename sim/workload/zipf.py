"""Compiled draws of ranks with Zipf popularity, and contents that give way to new ones."""

from collections.abc import Callable

import numpy as np

from sim.compiled import kernel
from sim.streams import Purpose, uniform
from sim.workload.block import Float64, Int32, Int64
from sim.workload.kernels import uniforms

_AGE = int(Purpose.KEY_AGE)
_uniform: Callable[[np.uint64, int, int, int], float] = uniform  # the name carries the types


class ZipfTable:
    """Alias table (Walker 1977, Vose 1991) of ranks r = 0 ... n - 1 with weights (r + 1) ** -exponent; 12 bytes a rank.

    stay: float64[n], alias: int32[n]: a uniform place in cell r means rank r where its fraction lies below stay[r],
    else rank alias[r].
    """

    def __init__(self, n: int, exponent: float) -> None:
        """n: number of ranks, at most 2**31 - 1."""
        self.stay: Float64 = np.arange(1, n + 1, dtype=np.float64)
        np.power(self.stay, -exponent, out=self.stay)
        self.stay *= n / self.stay.sum()
        self.alias: Int32 = np.arange(n, dtype=np.int32)
        fill_aliases(self.stay, self.alias)

    def ranks(self, key: np.uint64, first_id: int, n: int, purpose: Purpose) -> Int64:
        """int64[n]: ranks, from 0, of requests first_id ... first_id + n - 1."""
        uniform_of, out = np.empty(n), np.empty(n, dtype=np.int64)
        uniforms(key, first_id, int(purpose), uniform_of)
        zipf_ranks(uniform_of, self.stay, self.alias, out)
        return out


@kernel
def fill_aliases(weight: Float64, alias: Int32) -> None:
    """Turn weights of mean 1 that never ascend into the cells of an alias table, in place.

    Cells of weight below 1 are filled up by the first one that is above; where that falls below 1 itself, the next one
    above fills it up at once.
    """
    rich, n = 0, weight.size
    poor = n
    while poor > 0 and weight[poor - 1] < 1.0:
        poor -= 1
    above = poor
    for i in range(above, n):
        cell = i
        while rich < above:
            alias[cell] = rich
            weight[rich] -= 1.0 - weight[cell]
            if weight[rich] >= 1.0:
                break
            cell = rich
            rich += 1
        if rich == above:  # nothing is left but rounding
            weight[cell] = 1.0


@kernel
def zipf_ranks(uniform_of: Float64, stay: Float64, alias: Int32, out: Int64) -> None:
    """Fill `out` with ranks, each from one uniform. stay, alias: see `ZipfTable`."""
    for i in range(out.size):
        place = uniform_of[i] * stay.size
        cell = int(place)
        other = alias[cell]  # read whether or not it is needed: a branch would be mispredicted, and wait for memory
        out[i] = cell if place - cell < stay[cell] else other


@kernel
def renew(key: np.uint64, arrival_ns: Int64, renewals_per_ns: float, catalogue: int, ranks: Int64) -> None:
    """Turn ranks into contents, in place: rank r's is replaced at even distances, from a phase of its own on.

    content = r + catalogue * floor(t * renewals_per_ns + phase(r)), phase uniform on (0, 1) by rank.
    """
    for i in range(ranks.size):
        renewals = int(arrival_ns[i] * renewals_per_ns + _uniform(key, ranks[i], 0, _AGE))
        ranks[i] += catalogue * renewals
