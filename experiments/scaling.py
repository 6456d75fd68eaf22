"""What a controller did in a run: the counts it asked for, as a staircase."""

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sim import Run


class Step(NamedTuple):
    """A change of the count asked for: when (s since the start), from what, to what, and the controller's word."""

    at_s: float
    before: int
    after: int
    reason: str


def steps(life: "Run") -> list[Step]:
    """Every change of the count asked for, oldest first."""
    rows = life.events[life.events["kind"] == "scale"]
    columns = (rows[name].tolist() for name in ("at_s", "before", "after", "detail"))
    return [Step(at_s, int(before), int(after), reason) for at_s, before, after, reason in zip(*columns, strict=True)]


def asked(life: "Run") -> list[tuple[float, int]]:
    """(time in s, count asked for from then on by the pool `main`), oldest first, from its initial count."""
    stairs: list[tuple[float, int]] = [(0.0, life.scenario.pools["main"].autoscaler.initial_replicas)]
    for step in steps(life):
        if stairs[-1][0] == step.at_s:
            stairs.pop()
        stairs.append((step.at_s, step.after))
    return stairs


def at(stairs: list[tuple[float, int]], time_s: float) -> int:
    """The value of a staircase at a time."""
    return stairs[bisect_right(stairs, time_s, key=lambda one: one[0]) - 1][1]


def between(stairs: list[tuple[float, int]], start_s: float, end_s: float) -> list[int]:
    """Every value that a staircase has from `start_s` on and before `end_s`."""
    return [at(stairs, start_s), *(value for time_s, value in stairs if start_s < time_s < end_s)]


def paint_stairs(axes: Any, stairs: list[tuple[float, int]], end_s: float, **style: Any) -> None:
    """Draw a staircase, in minutes, up to `end_s`."""
    points = [*stairs, (end_s, stairs[-1][1])]
    axes.step([time_s / 60 for time_s, _ in points], [value for _, value in points], where="post", **style)


def two_panels(page: Any, size: Any, end_s: float, *, shares: tuple[int, int], most: int, needed: float) -> Any:
    """Axes above and below for staircases to `end_s` and `most` replicas, a line at those needed; the size of words."""
    from sim.report.canvas import INK, value_axis

    above, below = page.subplots(2, 1, sharex=True, height_ratios=shares)
    fontsize = 6 if size.narrow else 9.5
    for axes in (above, below):
        axes.axhline(needed, color=INK, linewidth=0.7, linestyle=":")
        axes.set_ylim(0, most)
        axes.set_xlim(0, end_s / 60)
        value_axis(axes, "")
    page.supylabel("replicas asked for", fontsize=fontsize + 2)
    below.set_xlabel("time (min)")
    page.subplots_adjust(right=0.97, hspace=0.15)
    return above, below, fontsize


def csv_of(cases: dict[str, list[tuple[float, int]]]) -> str:
    """Staircases by case as CSV."""
    lines = (f"{case},{time_s:.3f},{value}\n" for case, stairs in cases.items() for time_s, value in stairs)
    return "case,at_s,replicas\n" + "".join(lines)
