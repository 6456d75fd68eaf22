"""Plays candidates over replications: in turns, so that all of them share every replication's random numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from sim.config import InputError, Problem
from sim.scenario import Scenario
from sim.study.figures import Figures, figures_of
from sim.study.kept import Kept, digest_of
from sim.study.processes import Workers
from sim.study.stopping import Until

MOST_REPLICATIONS = 100_000  # assumption: an interval of them is a hundredth as wide as that of ten


@dataclass(frozen=True)
class Design:
    """replications: as many, or at most as many where `until` may stop earlier; first: number of the first one."""

    replications: int
    first: int = 0
    until: Until | None = None

    def __post_init__(self) -> None:
        if not 2 <= self.replications <= MOST_REPLICATIONS:
            message = "out of range. An interval needs at least 2 replications, and 100,000 are enough; type, say, 20."
            raise InputError(Problem("n", self.replications, message))


class Progressed(NamedTuple):
    """Replications finished, and how many there will be at most."""

    done: int
    most: int


Watch = Callable[[Progressed], None]


def play(
    scenarios: Sequence[Scenario], design: Design, workers: Workers, kept: Kept | None = None,
    progress: Watch | None = None, policies: Mapping[str, Any] | None = None,
) -> list[list[Figures]]:  # fmt: skip
    """Figures by candidate and replication: the same for any number of workers, and whatever was kept before.

    policies: by pool, of every candidate; what they do must not be kept, as no digest knows of it.

    The r-th replication of every candidate has the r-th keys of its seed. Where the design has an `until`, the result
    ends with the first replication that meets it, even if later ones were under way. Raises what a run raises.
    """
    digests = [digest_of(scenario) for scenario in scenarios]
    own = dict(zip(digests, scenarios, strict=True))  # twins are played once
    last = design.first + design.replications
    found: dict[tuple[str, int], Figures] = {}
    if kept is not None:
        for replication in range(design.first, last):
            for digest in own:
                figures = kept.find(digest, replication)
                if figures is not None:
                    found[digest, replication] = figures
    enough = _Enough(digests, design, found)

    def tasks() -> Iterator[tuple[Scenario, int, str]]:
        for replication in range(design.first, last):
            for digest, scenario in own.items():
                if enough.reached():
                    return
                if (digest, replication) not in found:
                    yield scenario, replication, digest

    most = len(own) * design.replications
    if progress is not None:
        progress(Progressed(len(found), most))
    work = partial(_play, policies=policies) if policies else _play
    for (_, replication, digest), figures in workers.map(work, tasks()):
        found[digest, replication] = figures
        if kept is not None:
            kept.add(digest, replication, figures)
        if progress is not None:
            progress(Progressed(len(found), most))
        if enough.reached():
            break
    return enough.result()


class _Enough:
    """How many replications are asked for, as far as is known."""

    def __init__(self, digests: list[str], design: Design, found: dict[tuple[str, int], Figures]) -> None:
        self._digests, self._design, self._found = digests, design, found
        self._whole = 0  # replications that all candidates have, from the first one without a gap
        self._stopped = False

    def reached(self) -> bool:
        """Whether no more are needed."""
        design = self._design
        while not self._stopped and self._whole < design.replications:
            replication = design.first + self._whole
            if any((digest, replication) not in self._found for digest in self._digests):
                break
            self._whole += 1
            self._stopped = design.until is not None and design.until.met(self.result())
        return self._stopped or self._whole == design.replications

    def result(self) -> list[list[Figures]]:
        first = self._design.first
        return [[self._found[digest, first + r] for r in range(self._whole)] for digest in self._digests]


def _play(scenario: Scenario, replication: int, _: str, policies: Mapping[str, Any] | None = None) -> Figures:
    """In a worker: one replication, without a log of its requests."""
    from sim.world import simulate

    unlogged = scenario.record.model_copy(update={"requests": 0.0})
    scenario = scenario.model_copy(update={"record": unlogged})
    return figures_of(simulate(scenario, replication=replication, policies=policies))
