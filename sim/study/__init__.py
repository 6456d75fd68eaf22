"""Questions that take many runs: replications, comparisons, sweeps, searches; on several processes, and kept."""

from sim.study.comparison import Comparison
from sim.study.replications import Replications, replicate

__all__ = ["Comparison", "Replications", "replicate"]
