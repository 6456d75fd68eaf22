"""Replications of a policy passed in Python: in one process or in several, and what is refused."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.policy import Decision, Observation
from sim.study.figures import figures_of

SMALL = ["phases=production", "learning=none", "incidents=none", "horizon=2 h", "autoscaler=fixed"]


class Alternating:
    """One and two replicas in turns; as many more as it is told to."""

    min_replicas, max_replicas, initial_replicas, sync_period_s = 1, 9, 1, 600.0

    def __init__(self, more: int = 0, divisor: int = 1) -> None:
        self.more, self.divisor = more, divisor

    def begin(self, now_ns: int) -> int:
        return 0

    def decide(self, observation: Observation, state: int, now_ns: int) -> tuple[Decision, int]:
        return Decision(1 + self.more // self.divisor + state % 2, "Turn"), state + 1


class Holding(Alternating):
    """Has something in hand that may not travel."""

    def __init__(self, held: Any) -> None:
        super().__init__()
        self.held = held


class Elsewhere:
    """Travels, and is not found where it arrives."""

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return _only_here, ("secret",)


def _only_here(name: str) -> Any:
    raise LookupError(f"no {name} here")


def scenario() -> sim.Scenario:
    return sim.load("document_assistant", *SMALL)


def test_every_replication_is_scaled_by_the_policy() -> None:
    policies = {"main": Alternating(more=1)}
    runs = sim.replicate(scenario(), 2, workers=1, policies=policies)
    for replication, figures in enumerate(runs.figures):
        assert figures == figures_of(sim.simulate(scenario(), replication=replication, policies=policies))
    assert runs.figures != sim.replicate(scenario(), 2, workers=1).figures


def test_several_processes_play_a_policy_as_one_does() -> None:
    one, two = (sim.replicate(scenario(), 2, workers=n, policies={"main": Alternating()}) for n in (1, 2))
    assert one.figures == two.figures


def test_a_mistake_in_another_process_is_told_with_its_traceback() -> None:
    with pytest.raises(sim.RunError, match=r"policy Alternating .* its decide raised ZeroDivisionError") as told:
        sim.replicate(scenario(), 2, workers=2, policies={"main": Alternating(divisor=0)})
    assert "self.more // self.divisor" in "".join(told.value.__notes__)


def test_what_no_other_process_can_unpack_is_told() -> None:
    with pytest.raises(sim.RunError, match=r"LookupError: no secret here.*workers=1"):
        sim.replicate(scenario(), 2, workers=2, policies={"main": Holding(Elsewhere())})


@pytest.mark.parametrize("held", [lambda: 3, (n for n in range(3)), type("Local", (), {})()])
def test_what_cannot_travel_is_refused_where_it_would_have_to(held: Any) -> None:
    policies = {"main": Holding(held)}
    with pytest.raises(sim.InputError, match=r"policies\['main'\]: Holding: it cannot be copied .*workers=1"):
        sim.replicate(scenario(), 2, workers=2, policies=policies)
    assert len(sim.replicate(scenario(), 2, workers=1, policies=policies).figures) == 2


def test_what_a_script_defines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes do not play the script: a class of its own would not be found there."""
    import __main__

    monkeypatch.setattr(Alternating, "__module__", "__main__")
    monkeypatch.setattr(__main__, "Alternating", Alternating, raising=False)
    pickle.dumps(Alternating())  # it can be pickled, and yet
    with pytest.raises(sim.InputError, match="this script or notebook defines"):
        sim.replicate(scenario(), 2, workers=2, policies={"main": Alternating()})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"policies": {"mian": Alternating()}}, "Did you mean main?"),
        ({"policies": {"main": Alternating}}, r"Pass an object of it: Alternating\(\)"),
        ({"policies": {"main": Alternating()}, "keep": Path("kept")}, "keep: kept: cannot be kept"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_played(given: dict[str, Any], words: str) -> None:
    with pytest.raises(sim.InputError, match=words):
        sim.replicate(scenario(), 2, workers=2, **given)
