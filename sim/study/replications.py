"""The same scenario many times over, each time with other random numbers."""

import pickle
import pickletools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.analysis.paired import ConfidenceInterval, mean_interval
from sim.config import InputError, Problem
from sim.scenario import Scenario
from sim.study.campaign import Design, Watch, play
from sim.study.figures import MEASURES, Figures
from sim.study.kept import Kept
from sim.study.processes import Workers, workers_or_all
from sim.study.stopping import parse_until
from sim.study.warmup import compile_part, missing

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
    resume: bool = False, progress: Watch | None = None, policies: Mapping[str, Any] | None = None,
) -> Replications:  # fmt: skip
    """Play replications 0 to n - 1 of a scenario; 0 is what `simulate` plays, and more of them change none before.

    workers: processes (None: one a core); the result is the same for any number of them. until: stop as soon as the
    interval of a measure is as narrow as this share of its mean ("cost: 1 %"), at the fifth replication or later.
    keep: folder in which finished replications are kept; resume: those that are there are not played again.
    policies: controllers by pool, as `simulate` takes them; each process has copies of its own, and nothing is kept, as
    no file says what they do. Raises InputError for a number that is none or a policy that cannot be copied to another
    process, and what `simulate` raises.
    """
    design = Design(n, until=None if until is None else parse_until(until))
    count = workers_or_all(workers)
    own = dict(policies or {})
    _check_policies(scenario, own, keep, min(count, n))
    for part in missing([scenario]):
        compile_part(part)
    with Workers(min(count, n)) as processes:
        kept = None if keep is None else Kept(Path(keep), resume)
        (figures,) = play([scenario], design, processes, kept, progress, own)
    return Replications(scenario, tuple(figures))


def _check_policies(scenario: Scenario, policies: Mapping[str, Any], keep: Path | None, processes: int) -> None:
    """Raises InputError for what is no policy, for keeping what they do, and for what no other process could have."""
    if not policies:
        return
    from sim.world.policies import own_policies

    own_policies(scenario, policies)
    problems = []
    if keep is not None:
        message = "cannot be kept: no file says what policies passed in Python do. Leave out keep and resume."
        problems.append(Problem("keep", str(keep), message))
    if processes > 1:
        remedy = "Type workers=1, or define its class at the top of a module of its own, which is imported."
        for pool, policy in policies.items():
            why = _stays_here(policy)
            if why is not None:
                message = f"it cannot be copied to other processes ({why}). {remedy}"
                problems.append(Problem(f"policies[{pool!r}]", type(policy).__name__, message))
    if problems:
        raise InputError(*problems)


def _stays_here(policy: Any) -> str | None:
    """Why an object cannot be copied to a process of `Workers`, which has not played the caller's script; or None."""
    try:
        pickled = pickle.dumps(policy)
    except Exception as e:
        return str(e) or type(e).__name__
    if any(argument == "__main__" for _, argument, _ in pickletools.genops(pickled)):
        return "it is made of what this script or notebook defines, and other processes do not play that"
    return None
