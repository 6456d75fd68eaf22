"""The look of every figure: colours with one meaning each, shared time axis, phase bands, end labels, clean SVG.

Text and axes are drawn in `currentColor`, so that a figure follows the page into the dark. Colours: Okabe and Ito,
"Color Universal Design" (2008).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.clock.calendar import DAY_S, MONTHS
from sim.report.facts import Facts, civil_date
from sim.report.svg import clean, standing_alone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INK = "#010203"  # stands for currentColor until the SVG is cleaned
FIXED, VARIABLE, QUALITY, CAPACITY = "#0072B2", "#D55E00", "#009E73", "#56B4E9"
API, FELT, EGRESS, LOGS = "#E69F00", "#CC79A7", "#F0E442", "#F3B58F"
IDLE = (INK, 0.27)  # light grey on white, dark grey in the dark

_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "axes.labelsize": "medium", "xtick.labelsize": "medium", "ytick.labelsize": "medium",
    "legend.fontsize": "medium", "legend.title_fontsize": "medium", "text.color": INK, "axes.labelcolor": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.edgecolor": INK, "axes.spines.top": False,
    "axes.spines.right": False, "axes.spines.left": False, "axes.linewidth": 0.6, "axes.axisbelow": True,
    "xtick.major.width": 0.6, "ytick.major.size": 0.0, "grid.color": INK, "grid.alpha": 0.14, "grid.linewidth": 0.6,
    "lines.linewidth": 1.4, "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    "legend.frameon": False, "svg.fonttype": "none", "path.simplify": True, "path.simplify_threshold": 0.2,
    "axes.formatter.useoffset": False,
}  # fmt: skip


class Size(NamedTuple):
    """Inches of a figure, the fractions that its axes fill, and points of its text; `narrow` is the one for phones.

    The text is at least 9 points when the figure is as wide as a printed page (180 mm) or a phone (358 CSS pixels).
    """

    width: float
    height: float
    left: float
    right: float
    bottom: float
    top: float
    text: float
    narrow: bool


WIDE = Size(9.0, 4.5, 0.095, 0.80, 0.135, 0.91, 11.5, False)
NARROW = Size(4.2, 4.2, 0.18, 0.95, 0.13, 0.80, 10.2, True)
_EDGE = 3.0  # points from the left edge to the name of a y axis, at least


@dataclass(frozen=True)
class Plot:
    """A finished figure: its file name, finding (title), one sentence, SVG wide and narrow, data with units as CSV."""

    key: str
    question: str
    finding: str
    sentence: str
    wide: str
    narrow: str
    csv: str
    alone: str


class End(NamedTuple):
    """What stands at the right end of a line or band: its height in data, its name, and how it is drawn."""

    y: float
    text: str
    handle: Any


Paint = Callable[[Any, Size], None]


def plot(key: str, question: str, finding: str, sentence: str, paint: Paint, csv: str, taller: float = 1.0) -> Plot:
    """Paint a figure twice, wide and narrow. paint: draws on a matplotlib figure of this size; taller: stretches it."""

    def svg(size: Size) -> str:
        return _svg(f"{key}-{'narrow' if size.narrow else 'wide'}", finding, sentence, paint, size)

    wide = svg(_taller(WIDE, taller))
    return Plot(key, question, finding, sentence, wide, svg(_taller(NARROW, taller)), csv, standing_alone(wide))


def time_axis(axes: Any, facts: Facts, labelled: bool = True) -> None:
    """The x axis that all time plots share: the whole run, in civil dates of the scenario's zone."""
    from matplotlib import dates as marks

    locating: Any = marks.AutoDateLocator
    telling: Any = marks.ConciseDateFormatter
    zone = facts.calendar.zone
    axes.set_xlim(*dates(facts, [0.0, facts.horizon_s]))
    few = axes.figure.get_figwidth() < 6
    locator = locating(tz=zone, minticks=3, maxticks=5 if few else 10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(_in_english(telling(locator, tz=zone, show_offset=False)))
    axes.tick_params(labelbottom=labelled)
    if labelled:
        axes.set_xlabel(_date_words(facts))


def _in_english(formatter: Any) -> Any:
    """The formatter with our own names of months: `%b` gives those of the process's locale."""
    formatter.formats[1] = formatter.zero_formats[2] = "<%m>"
    formatter.zero_formats[3] = "<%m>-%d"
    told = formatter.format_ticks
    formatter.format_ticks = lambda values: [
        re.sub(r"<(\d\d)>", lambda month: MONTHS[int(month[1]) - 1][:3], label) for label in told(values)
    ]
    return formatter


def dates(facts: Facts, at_s: "Sequence[float] | NDArray[np.float64]") -> "NDArray[np.float64]":
    """Seconds since the start as matplotlib's dates: days since 1970 in UTC."""
    import numpy as np

    return (facts.calendar.start_epoch_ns / 1e9 + np.asarray(at_s, dtype=np.float64)) / DAY_S


def value_axis(axes: Any, label: str, from_zero: bool = True) -> None:
    """The y axis: a light grid, plain numbers, and zero at the bottom."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.grid(axis="y")
    axes.set_ylabel(label)
    if from_zero:
        top = axes.get_ylim()[1]
        axes.set_ylim(0, top if top > 0 else 1)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))


def plain(value: float) -> str:
    """A tick: 1, 10, 2,500, 10k, 1.5M."""
    from sim.report.numbers import three

    for size, letter in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{three(value / (1e3 if letter == 'k' else size))}{letter}"
    return three(round(value, 12))  # ticks such as 0.6000000000000001


def log_axis(axis: Any, lo: float, hi: float) -> tuple[float, float]:
    """A log axis with ticks 1, 10, 100 as numbers, at least half a decade long; gives its limits."""
    import math

    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    middle = math.log10(lo * hi) / 2
    half = max(math.log10(hi / lo) / 2 * 1.12, 0.35)
    narrow_range = half < 0.9
    axis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if narrow_range else (1,), numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    return 10 ** (middle - half), 10 ** (middle + half)


def phase_bands(axes: Any, facts: Facts, size: Size, named: bool = True) -> None:
    """Every other phase shaded; names on top where they fit, else the phase's number in the table."""
    width_pt = axes.get_position().width * axes.figure.get_figwidth() * 72
    for number, phase in enumerate(facts.phases):
        begin, end = dates(facts, [phase.start_s, phase.end_s])
        if number % 2:
            axes.axvspan(begin, end, color=INK, alpha=0.055, linewidth=0, zorder=0.1)
        room = width_pt * (phase.end_s - phase.start_s) / facts.horizon_s if facts.horizon_s else 0.0
        if named and room >= 8:
            text = phase.name if len(phase.name) * 0.62 * size.text <= room else str(number + 1)
            axes.text((begin + end) / 2, 1.015, text, transform=axes.get_xaxis_transform(), ha="center", va="bottom")
    for earlier, later in pairwise(facts.phases):
        if later.start_s >= earlier.start_s:
            axes.axvline(dates(facts, [later.start_s])[0], color=INK, alpha=0.45, linewidth=0.6, zorder=0.2)


def name_ends(axes: Any, ends: Sequence[End], size: Size) -> None:
    """Names at the right end of the lines, moved apart where they meet; on a phone a legend above instead."""
    from matplotlib.lines import Line2D

    points = axes.get_position().height * axes.figure.get_figheight() * 72
    if size.narrow:
        axes.legend(
            [end.handle for end in ends], [end.text for end in ends], loc="lower left", ncols=2, handlelength=1.6,
            bbox_to_anchor=(-0.02, 1 + 1.5 * size.text / points), columnspacing=1.2, borderaxespad=0.0,
            labelspacing=0.3,
        )  # fmt: skip
        return
    place = axes.transData + axes.transAxes.inverted()
    wanted = [float(place.transform((0.0, end.y))[1]) * points for end in ends]
    for end, height in zip(ends, _apart(wanted, 1.35 * size.text, points), strict=True):
        y = height / points
        handle = end.handle
        line = Line2D([1.008, 1.03], [y, y], transform=axes.transAxes, clip_on=False)
        if isinstance(handle, Line2D):
            line.update({"color": handle.get_color(), "lw": handle.get_linewidth(), "ls": handle.get_linestyle()})
            line.set_alpha(handle.get_alpha())
        else:
            line.update({"color": handle.get_facecolor(), "lw": 7, "solid_capstyle": "butt"})
        axes.add_line(line)
        axes.text(1.037, y, end.text, transform=axes.transAxes, va="center")


def _apart(wanted: Sequence[float], gap: float, top: float) -> list[float]:
    """Heights as near to the wanted ones as a gap between them allows, below the top, in the order given."""
    order = sorted(range(len(wanted)), key=lambda index: (wanted[index], -index))
    placed = [min(max(wanted[index], 4.0), top - 4.0) for index in order]
    for index in range(1, len(placed)):
        placed[index] = max(placed[index], placed[index - 1] + gap)
    ceiling = top
    for index in range(len(placed) - 1, -1, -1):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    result = [0.0] * len(wanted)
    for index, height in zip(order, placed, strict=True):
        result[index] = height
    return result


def _taller(size: Size, factor: float) -> Size:
    """The same margins in inches around a taller figure."""
    return size._replace(height=size.height * factor, bottom=size.bottom / factor, top=1 - (1 - size.top) / factor)


def _date_words(facts: Facts) -> str:
    """Name of the time axis; where a run is short, its ticks are times, so that the name tells the first day."""
    if facts.horizon_s > 4 * DAY_S:  # from where on matplotlib puts no times of day on the axis
        return f"civil date ({facts.scenario.timezone})"
    return f"civil time from {civil_date(facts.calendar, 0.0)} ({facts.scenario.timezone})"


@contextmanager
def _house_style(key: str, size: Size) -> "Iterator[None]":
    """Matplotlib as the house wants it, whatever the user's own settings; undone afterwards."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**_RC, "font.size": size.text, "svg.hashsalt": key})
        yield


def _svg(key: str, title: str, description: str, paint: Paint, size: Size) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with _house_style(key, size):
        figure = Figure(figsize=(size.width, size.height))
        FigureCanvasSVG(figure)
        figure.subplots_adjust(left=size.left, right=size.right, bottom=size.bottom, top=size.top)
        paint(figure, size)
        _make_room(figure)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return clean(text.getvalue(), key, title, description, INK)


def _make_room(figure: Any) -> None:
    """Long ticks push the names of y axes off the left edge: there the axes begin as far to the right as it takes."""
    boxes = (axes.yaxis.get_tightbbox() for axes in figure.axes)
    outermost = min((box.x0 * 72 / figure.dpi for box in boxes if box is not None), default=_EDGE)
    if outermost < _EDGE:
        figure.subplots_adjust(left=figure.subplotpars.left + (_EDGE - outermost) / (72 * figure.get_figwidth()))
