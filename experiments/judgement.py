"""Whether what an experiment got is what was expected, by the tolerance that expected.json states for each value."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.estimates import Estimate

Got = float | Estimate


@dataclass(frozen=True)
class Row:
    """One value: what was expected, what came out, how far off it may be, and whether it is not."""

    key: str
    expected: float
    got: float
    tolerance: dict[str, Any]
    passed: bool
    source: str

    @property
    def allowed(self) -> float:
        """Largest difference that passes, in the value's unit."""
        return float(self.tolerance["allowed"])


def judge(folder: Path, got: dict[str, Got]) -> list[Row]:
    """Rows in the order of expected.json. Raises KeyError when the two do not name the same values."""
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    if set(expected) != set(got):
        raise KeyError(f"{folder.name}: expected.json and run.py name different values: {set(expected) ^ set(got)}")
    return [_row(key, entry, got[key]) for key, entry in expected.items()]


def _row(key: str, entry: dict[str, Any], got: Got) -> Row:
    expected = float(entry["value"])
    value = got.value if isinstance(got, Estimate) else float(got)
    allowed = _allowed(entry["tolerance"], expected, got)
    apart, kind = value - expected, entry["tolerance"]["kind"]
    over = apart if kind == "at_most" else -apart if kind == "at_least" else abs(apart)
    tolerance = {**entry["tolerance"], "allowed": allowed}
    return Row(key, expected, value, tolerance, bool(over <= allowed), entry["source"])


def _allowed(tolerance: dict[str, Any], expected: float, got: Got) -> float:
    """The tolerance as a difference.

    Kinds: exact; absolute and relative (within); standard_errors (times) and interval (level), which take an Estimate;
    at_most and at_least, one-sided: by nothing, or by so many standard errors (times) of an Estimate.
    """
    kind = tolerance["kind"]
    one_sided = kind in ("at_most", "at_least")
    if kind == "exact" or (one_sided and "times" not in tolerance):
        return 0.0
    if kind == "absolute":
        return float(tolerance["within"])
    if kind == "relative":
        return float(tolerance["within"]) * abs(expected)
    if not isinstance(got, Estimate):
        raise TypeError(f"tolerance {kind} needs an estimate with a standard error, not {got}")
    if kind == "standard_errors" or one_sided:
        return float(tolerance["times"]) * got.standard_error
    if kind == "interval":
        return got.half_width(float(tolerance["level"]))
    raise ValueError(f"unknown kind of tolerance: {kind}")
