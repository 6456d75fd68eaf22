"""What `poc2scale tune` says where nothing that it tried made a difference."""

from typing import Any

import pytest

from sim.report.tuning import in_vain
from sim.study.tune import Trial, Tuned

SAME = (100.0, 0.99, None)


def tuned(*trials: tuple[tuple[str, ...], tuple[float | None, ...]]) -> Tuned:
    """Trials of these overrides, with these means."""
    made = tuple(Trial(typed, 100.0, 0.0, True, means) for typed, means in trials)
    nothing: Any = None
    return Tuned(made, made[0], nothing, ())


def test_keys_without_effect_are_named() -> None:
    (said,) = in_vain(tuned((("a.b=1",), SAME), (("a.b=2",), SAME), (("a.b=2",), SAME)))

    assert said.startswith("All 3 trials, of 2 different points, came out the same in every measure: a.b makes no diff")


def test_several_keys_are_all_named() -> None:
    (said,) = in_vain(tuned((("a=1", "b=1", "c=1"), SAME), (("a=2", "b=1", "c=1"), SAME)))

    assert "a, b and c make no difference" in said


@pytest.mark.parametrize("other", [(100.0, 0.99, 0.0), (100.0, 0.990000001, None)])
def test_one_measure_that_differs_is_a_difference(other: tuple[float | None, ...]) -> None:
    assert in_vain(tuned((("a=1",), SAME), (("a=2",), other))) == []


def test_one_point_says_nothing_about_its_key() -> None:
    assert in_vain(tuned((("a=1",), SAME), (("a=1",), SAME))) == []
