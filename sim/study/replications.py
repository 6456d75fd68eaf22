"""The same scenario many times over, each time with other random numbers."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sim.analysis.paired import ConfidenceInterval, mean_interval
from sim.scenario import Scenario
from sim.study.campaign import Design, Watch, play
from sim.study.figures import MEASURES, Figures
from sim.study.kept import Kept
from sim.study.processes import Workers, compile_kernels, workers_or_all
from sim.study.stopping import parse_until

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Replications:
    """Figures of replications 0, 1, ... of a scenario."""

    scenario: Scenario
    figures: tuple[Figures, ...]

    def intervals(self) -> dict[str, ConfidenceInterval]:
        """Mean of every measure with its 95 % interval."""
        return {key: mean_interval([own[key] for own in self.figures]) for key in MEASURES}

    def frame(self) -> "pd.DataFrame":
        """A row a replication, a column a measure."""
        import pandas as pd

        return pd.DataFrame([{key: own[key] for key in MEASURES} for own in self.figures])


def replicate(
    scenario: Scenario, n: int = 20, workers: int | None = None, *, until: str | None = None, keep: Path | None = None,
    resume: bool = False, progress: Watch | None = None,
) -> Replications:  # fmt: skip
    """Play replications 0 to n - 1 of a scenario; 0 is what `simulate` plays, and more of them change none before.

    workers: processes (None: one a core); the result is the same for any number of them. until: stop as soon as the
    interval of a measure is as narrow as this share of its mean ("cost: 1 %"), at the fifth replication or later.
    keep: folder in which finished replications are kept; resume: those that are there are not played again. Raises
    InputError for a number that is none, and what `simulate` raises.
    """
    design = Design(n, until=None if until is None else parse_until(until))
    count = workers_or_all(workers)
    compile_kernels()
    with Workers(min(count, n)) as processes:
        kept = None if keep is None else Kept(Path(keep), resume)
        (figures,) = play([scenario], design, processes, kept, progress)
    return Replications(scenario, tuple(figures))
