"""What the terminal shows: a table that fits, and a bar only where there is a terminal."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_report_frames import an_hour, nobody_asked, two_years

import sim
from sim.record.progress import Progress
from sim.report.facts import gather
from sim.report.findings import felt
from sim.report.terminal import phase_table, progress_bar
from sim.scenario.model import ReplayProduct
from sim.workload.parameters import Demand

HORIZON_NS = 10_000_000_000


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def _steps(count: int) -> list[Progress]:
    civil = datetime(2026, 3, 1, 12, tzinfo=UTC)
    return [Progress(HORIZON_NS * (i + 1) // count, HORIZON_NS, civil, 1_500_000 * (i + 1)) for i in range(count)]


@pytest.mark.parametrize("make", [two_years, an_hour, nobody_asked])
def test_the_table_fits_100_characters_and_has_no_colour_in_a_pipe(make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    run, out = make(), io.StringIO()
    phase_table(run, out, Path("outputs/x/latest"))
    text = out.getvalue()
    assert "\x1b" not in text
    lines = text.splitlines()
    table = [line for line in lines[1 : lines.index(f"{felt(gather(run))}.")] if line]
    assert len(table) >= 3
    assert max(map(len, table)) <= 100
    assert "…" not in text
    assert lines[-1] == f"Report: {Path('outputs/x/latest') / 'report.html'}"
    for phase in run.summary()["phases"]:
        row = next(line for line in lines if line.split()[:1] == [phase["name"]])
        assert f"{phase['requests']:,}" in row


def test_the_table_is_coloured_on_a_terminal_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Terminal(), Terminal()
    phase_table(an_hour(), coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    phase_table(an_hour(), plain)
    assert "\x1b[" in coloured.getvalue()
    assert "\x1b" not in plain.getvalue()


def test_a_stream_that_knows_only_ascii_still_gets_the_table() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    phase_table(an_hour(), out)
    assert b"production" in raw.getvalue()


def test_notes_are_told() -> None:
    out = io.StringIO()
    phase_table(an_hour(), out)
    assert "Note: 3 of 60 minutes have no requests in the file." in out.getvalue()


def test_a_file_in_a_note_is_told_by_its_name_alone() -> None:
    run = an_hour()
    folder = "/home/someone/My data"
    shared = (
        sim.load("document_assistant").workloads["main"].model_dump(by_alias=False, include=set(Demand.model_fields))
    )
    replay = ReplayProduct(**shared, path=f"{folder}/requests.csv")
    run.scenario = run.scenario.model_copy(update={"workloads": {"main": replay}})
    run.notes = [f"{folder}/requests.csv: columns that are not used: user."]
    assert gather(run).notes == ["requests.csv: columns that are not used: user."]


def test_the_bar_tells_date_requests_and_speed_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    out = Terminal()
    with progress_bar(out) as show:
        for progress in _steps(3):
            show(progress)
    for part in ("2026-03-01", "4,500,000 requests", "/s", "100 %"):
        assert part in out.getvalue()


@pytest.mark.parametrize(("stream", "quiet"), [(io.StringIO(), False), (Terminal(), True)])
def test_nothing_is_shown_without_a_terminal_or_when_quiet(stream: io.StringIO, quiet: bool) -> None:
    with progress_bar(stream, quiet) as show:
        for progress in _steps(3):
            show(progress)
    assert stream.getvalue() == ""
