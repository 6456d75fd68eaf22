"""From what is typed to candidates: lists in Hydra's grammar, names, and what is refused."""

import pytest

from sim import InputError
from sim.study.candidates import candidates, grid, named, split
from sim.study.spaces import Choice, Interval, parse_spaces

SMALL = ["phases=production", "learning=none", "horizon=3 h"]


def test_lists_become_a_grid_and_all_else_is_common() -> None:
    common, axes = split([*SMALL, "autoscaler=fixed,hpa", "workload.timeout=50 s,60 s"])

    assert common == SMALL
    assert grid(axes) == [
        ("fixed, timeout=50 s", ("autoscaler=fixed", "workload.timeout=50 s")),
        ("fixed, timeout=60 s", ("autoscaler=fixed", "workload.timeout=60 s")),
        ("hpa, timeout=50 s", ("autoscaler=hpa", "workload.timeout=50 s")),
        ("hpa, timeout=60 s", ("autoscaler=hpa", "workload.timeout=60 s")),
    ]


def test_a_range_a_choice_and_lists_of_lists_are_lists_and_a_list_in_brackets_is_a_value() -> None:
    _, axes = split(["a.b=range(1,7,2)", "c=choice(x,'y z')", "d=[1,2],[3]"])

    assert [axis.values for axis in axes] == [("1", "3", "5"), ("x", "y z"), ("[1,2]", "[3]")]
    assert split(["a=[1,2]"]) == (["a=[1,2]"], [])


def test_names_say_as_much_of_a_key_as_tells_it_apart() -> None:
    _, axes = split(["a.up.window=1,2", "a.down.window=3,4"])

    assert grid(axes)[0][0] == "up.window=1, down.window=3"


def test_named_candidates_may_hold_values_with_spaces() -> None:
    (cell,) = named(["half: autoscaler=hpa autoscaler.target=50 % ~phases.mvp +x.y='a b'"])

    assert cell == ("half", ("autoscaler=hpa", "autoscaler.target=50 %", "~phases.mvp", "+x.y='a b'"))


def test_what_is_wrong_with_one_candidate_names_it_and_what_is_wrong_with_all_is_said_once() -> None:
    cells = [("good", ("autoscaler=hpa",)), ("bad", ("autoscaler=hpa", "autoscaler.target=500 %"))]

    with pytest.raises(InputError) as refused:
        candidates([*SMALL, "workload.timout=3 s"], cells)

    said = sorted(problem.where for problem in refused.value.problems)
    assert said == ["candidate bad: autoscaler.target", "workload.timout"]


def test_what_is_searched() -> None:
    common, spaces = parse_spaces([
        *SMALL, "autoscaler.target=interval(20 %, 90 %)", "a=interval(0.5 s, 2 s)", "b=interval(1, 8)", "c=x,y",
    ])  # fmt: skip

    assert common == SMALL
    assert spaces == [
        Interval("autoscaler.target", 20, 90, "%", True), Interval("a", 0.5, 2, "s", False),
        Interval("b", 1, 8, "", True), Choice("c", ("x", "y")),
    ]  # fmt: skip


def test_a_key_of_one_candidate_is_typed_with_it_alone() -> None:
    common, axes = split([*SMALL, "autoscaler=fixed,hpa", "autoscaler.target=60 %"])

    with pytest.raises(InputError) as refused:
        candidates(common, grid(axes))

    (problem,) = refused.value.problems
    assert problem.where == "candidate fixed: autoscaler.target"
    assert "Did you mean" not in problem.message
    assert problem.message.endswith(
        '--candidate "fixed: autoscaler=fixed" --candidate "hpa: autoscaler=hpa autoscaler.target=60 %".'
    )
    said = ["fixed: autoscaler=fixed", "hpa: autoscaler=hpa autoscaler.target=60 %"]
    assert [made.name for made in candidates(SMALL, named(said))] == ["fixed", "hpa"]
