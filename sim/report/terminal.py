"""What the terminal shows: a progress bar while a run is under way, then one sentence, one table, one path."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from sim.record.progress import Progress
from sim.report import findings
from sim.report.facts import Facts, ReportedRun, gather
from sim.report.numbers import duration, share, three, usd, whole

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 100  # characters; assumption: what a terminal beside an editor holds
_REFRESH_S = 0.1  # assumption: ten times a second looks alive and costs nothing


def phase_table(run: ReportedRun, stream: TextIO, run_dir: Path | None = None) -> None:
    """Print the sentence that answers, the table of phases (eight columns, 100 characters) and the report's path.

    "within SLO" is that of requests that ended, of the workload that is furthest under its promise or least above.
    run_dir: folder of the run, where it was written. Plain text where the stream is no terminal or NO_COLOR is set.
    """
    facts = gather(run)
    console_text = rendered(_table(facts), stream, columns_of(stream))
    lines = [findings.headline(facts), console_text.rstrip("\n"), f"{findings.felt(facts)}."]
    lines.append(f"{findings.balance(facts)}. {findings.bend(facts)}.")
    lines += [f"Note: {note}" for note in facts.notes]
    if run_dir is not None:
        lines.append(f"Report: {run_dir / 'report.html'}")
    say(stream, "\n".join(lines) + "\n")


@contextmanager
def progress_bar(stream: TextIO, quiet: bool = False) -> Iterator[Callable[[Progress], None]]:
    """A callable that takes `Progress` and shows simulated date, requests, requests per second and time left.

    Nothing is shown where the stream is no terminal, or when quiet. The bar goes away when the block ends.
    """
    if quiet or not _is_terminal(stream):
        yield lambda progress: None
        return
    from time import monotonic

    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(file=stream, color_system="auto" if _styled(stream) else None, highlight=False)
    columns = (
        TextColumn("{task.fields[date]}"), BarColumn(bar_width=24), TextColumn("{task.percentage:3.0f} %"),
        TextColumn("{task.fields[done]}"), TextColumn("{task.fields[speed]}"), TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )  # fmt: skip
    with Bar(*columns, console=console, transient=True, speed_estimate_period=10.0) as bar:
        task = bar.add_task("", total=1.0, date="starting", done="", speed="")
        begun, shown = monotonic(), 0.0

        def show(progress: Progress) -> None:
            nonlocal shown
            now = monotonic()
            if now - shown < _REFRESH_S and progress.now_ns < progress.horizon_ns:
                return
            shown = now
            speed = progress.requests / max(now - begun, 1e-9)
            bar.update(
                task, total=float(progress.horizon_ns), completed=float(progress.now_ns),
                date=f"{progress.civil:%Y-%m-%d %H:%M}", done=f"{whole(progress.requests)} requests",
                speed=f"{three(speed)}/s",
            )  # fmt: skip

        yield show


def _table(facts: Facts) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("phase", no_wrap=True, overflow="ellipsis", max_width=18)
    table.add_column("served by", no_wrap=True)
    for name in ("requests", "p99", "within SLO", "fixed", "variable", "per 1,000"):
        table.add_column(name, justify="right", no_wrap=True)
    for phase in facts.phases:
        said = phase.said
        attained = share(None if phase.worst is None else phase.worst["slo_attainment"])
        table.add_row(
            phase.name, phase.serving, whole(said["requests"]), duration(said["latency_p99_s"]),
            f"[bold red]missed {attained}[/]" if phase.missed else attained, usd(said["fixed_usd"]),
            usd(said["variable_usd"]), usd(said["total_per_1k_usd"]),
        )  # fmt: skip
    return table


def rendered(table: "Table", stream: TextIO, width: int) -> str:
    """A table as text for a stream: plain where that is no terminal or NO_COLOR is set."""
    from rich.console import Console

    styled = _styled(stream)
    console = Console(
        width=width,
        color_system="standard" if styled else None,
        force_terminal=styled,
        highlight=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def columns_of(stream: TextIO) -> int:
    """At most 100 characters; on a narrower terminal its width."""
    if not _is_terminal(stream):
        return WIDTH
    import shutil

    return max(40, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


def _styled(stream: TextIO) -> bool:
    return _is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _is_terminal(stream: TextIO) -> bool:
    return bool(getattr(stream, "isatty", lambda: False)())


def say(stream: TextIO, text: str) -> None:
    """Write what the stream's encoding can hold, and a question mark for what it cannot."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()
