"""A comparison as tables: one for the page, with every interval, and one for a terminal of 100 characters."""

from typing import TYPE_CHECKING, NamedTuple, TextIO

from sim.report.comparison_words import COSTS, half, told, verdict
from sim.report.numbers import duration, share, three, usd
from sim.report.terminal import columns_of, rendered, say
from sim.study.comparison import Comparison, Row
from sim.study.figures import MEASURES

if TYPE_CHECKING:
    from rich.table import Table

MOST_ROWS = 40  # assumption: what a person still reads on a terminal


class Cell(NamedTuple):
    """A value and the small print beneath it."""

    value: str
    beside: str = ""


class PageRow(NamedTuple):
    """A candidate: its name, what was typed for it (empty where its name says it), its standing, and its cells."""

    name: str
    typed: str
    missed: bool
    best: bool
    front: bool
    cells: tuple[Cell, ...]


def page_head(comparison: Comparison) -> list[str]:
    """Names of the columns after the candidate's."""
    names = [MEASURES[key].name for key in _keys(comparison)]
    return [names[0], f"more than {comparison.reference}", *names[1:]]


def page_rows(comparison: Comparison) -> list[PageRow]:
    """Every candidate in the order in which it was typed."""
    rows = []
    for row in comparison.rows:
        first, *others = (Cell(told(k, row.intervals[k].mean), half(k, row.intervals[k])) for k in _keys(comparison))
        difference = row.differences[comparison.cost]
        cells = (first, Cell(told(comparison.cost, difference.mean), half(comparison.cost, difference)), *others)
        typed = " ".join(row.candidate.typed)
        said = "" if typed.partition("=")[2] == row.name else typed
        rows.append(PageRow(row.name, said, row.held is False, row is comparison.best, row.front, cells))
    return rows


def show(comparison: Comparison, stream: TextIO, page: str) -> None:
    """Print the verdict, the table, cheapest first where there are many rows, and where the page is."""
    lines = [*verdict(comparison)[:1], rendered(_table(comparison), stream, columns_of(stream)).rstrip("\n")]
    if len(comparison.rows) > MOST_ROWS:
        lines.append(f"{len(comparison.rows) - MOST_ROWS} more candidates are on the page.")
    lines += [*verdict(comparison)[1:], f"{comparison.replications} replications each. Page: {page}"]
    say(stream, "\n".join(lines) + "\n")


def _keys(comparison: Comparison) -> list[str]:
    """Measures in the order of the columns: that of the ranking first."""
    return [comparison.cost, *(key for key in MEASURES if key not in (comparison.cost, "requests"))]


def _table(comparison: Comparison) -> "Table":
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("\ncandidate", overflow="fold", min_width=_name_width(comparison))
    cost_name = COSTS[comparison.cost].replace(" cost", "\ncost")
    for name in (
        cost_name, "\nmore", "\n± 95 %", "within\nSLO", "no\nanswer", "\np99", "replica\nhours",
        "scaling\nactions", "longest\nbelow",
    ):  # fmt: skip
        table.add_column(name, justify="right", no_wrap=True)
    for row in _shown(comparison):
        cost, more = row.intervals[comparison.cost], row.differences[comparison.cost]
        name = f"[bold]{escape(row.name)}[/]" if row is comparison.best else escape(row.name)
        attained = share(row.intervals["slo_attainment"].mean)
        table.add_row(
            name, usd(cost.mean), usd(more.mean), half(comparison.cost, more)[2:],
            f"[bold red]{attained}[/]" if row.held is False else attained,
            share(row.intervals["unanswered"].mean), duration(row.intervals["latency_p99_s"].mean),
            three(row.intervals["replica_hours"].mean), three(row.intervals["scaling_actions"].mean),
            duration(row.intervals["absorb_s"].mean),
        )  # fmt: skip
    return table


def _name_width(comparison: Comparison) -> int:
    """Of the column of names: its heading stays whole, and a long name is folded."""
    return max(len("candidate"), min(12, max(len(row.name) for row in comparison.rows)))


def _shown(comparison: Comparison) -> list[Row]:
    if len(comparison.rows) <= MOST_ROWS:
        return list(comparison.rows)
    cost = comparison.cost
    return sorted(comparison.rows, key=lambda row: (row.held is not True, row.intervals[cost].mean or 0.0))[:MOST_ROWS]
