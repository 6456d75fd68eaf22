"""Search of a scenario's parameters for the least cost under its SLO, by Optuna's tree-structured Parzen estimator.

The estimator (Bergstra et al. 2011, NIPS) looks at the order of values alone, so that what misses the SLO is simply
worse than all that holds it, and the worse the further it is below. Trials come one after the other, each with all of
its replications at once: the same seed gives the same answer on any number of workers.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sim.config import InputError, Problem
from sim.scenario import Scenario, load
from sim.scenario.compose import DEFAULT
from sim.study.campaign import Design, play
from sim.study.candidates import Candidate
from sim.study.comparison import Comparison, compared
from sim.study.kept import Kept
from sim.study.processes import Workers
from sim.study.spaces import Space

_MISSED = 1e15  # USD: above the cost of anything that a ledger holds
_ORACLE = "oracle"


class Trial(NamedTuple):
    """What was tried: overrides, mean cost (USD), margin above the promise (share; None: nothing ended), held, and the
    means of all MEASURES.
    """

    typed: tuple[str, ...]
    cost_usd: float
    margin: float | None
    held: bool
    means: tuple[float | None, ...] = ()

    @property
    def rank(self) -> float:
        """The lower, the better."""
        return self.cost_usd if self.held else _MISSED * (2.0 - (-1.0 if self.margin is None else self.margin))


class Tuned(NamedTuple):
    """trials: in order; best: the first of the lowest rank; final: tuned against default and oracle, on replications
    that the search has not seen; command: overrides that `poc2scale run` takes.
    """

    trials: tuple[Trial, ...]
    best: Trial
    final: Comparison
    command: tuple[str, ...]


def check_installed() -> None:
    """Raises InputError where Optuna is missing."""
    from importlib.util import find_spec

    if find_spec("optuna") is None:
        message = "needs Optuna, which is not installed. Type pip install 'poc2scale[tune]', or pip install optuna."
        raise InputError(Problem("tune", None, message))


def tune(
    common: Sequence[str], spaces: Sequence[Space], trials: int, design: Design, workers: Workers,
    kept: Kept | None = None, progress: Callable[[int, int], None] | None = None,
) -> Tuned:  # fmt: skip
    """Search the spaces with as many trials, each of `design.replications` replications, and compare the best with the
    default on as many fresh ones. progress: called with trials done and in all.
    """
    import optuna

    base = load(DEFAULT, *common)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=base.seed % 2**32)
    study = optuna.create_study(sampler=sampler)
    done: list[Trial] = []
    for number in range(trials):
        asked = study.ask()
        typed = tuple(f"{space.key}={space.draw(asked)}" for space in spaces)
        done.append(_tried(common, typed, design, workers, kept))
        study.tell(asked, done[-1].rank)
        if progress is not None:
            progress(number + 1, trials)
    best = min(done, key=lambda trial: trial.rank)
    finalists = [
        Candidate("tuned", best.typed, load(DEFAULT, *common, *best.typed)), Candidate("default", (), base),
        *_oracle(common),
    ]  # fmt: skip
    fresh = Design(design.replications, first=design.first + design.replications)
    final = compared(finalists, play([c.scenario for c in finalists], fresh, workers, kept))
    return Tuned(tuple(done), best, final, (*common, *best.typed))


def _tried(
    common: Sequence[str], typed: tuple[str, ...], design: Design, workers: Workers, kept: Kept | None
) -> Trial:  # fmt: skip
    candidate = Candidate("", typed, _loaded(common, typed))
    (row,) = compared([candidate], play([candidate.scenario], design, workers, kept)).rows
    cost = row.intervals["total_usd"].mean
    assert cost is not None
    means = tuple(interval.mean for interval in row.intervals.values())
    return Trial(typed, cost, row.margin.mean, row.held is True, means)


def _loaded(common: Sequence[str], typed: tuple[str, ...]) -> Scenario:
    try:
        return load(DEFAULT, *common, *typed)
    except InputError as e:
        found = [
            Problem(p.where, p.value, f"{p.message} The search came to {' '.join(typed)}: narrow its intervals.")
            for p in e.problems
        ]
        raise InputError(*found) from None


def _oracle(common: Sequence[str]) -> list[Candidate]:
    """The controller that knows the future, under the same scenario."""
    others = [text for text in common if text.lstrip("+~").partition("=")[0].split(".")[0] != "autoscaler"]
    typed = f"autoscaler={_ORACLE}"
    try:
        return [Candidate(_ORACLE, (typed,), load(DEFAULT, *others, typed))]
    except InputError:
        return []  # it does not fit this scenario
