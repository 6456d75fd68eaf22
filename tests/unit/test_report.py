"""The report of a run: what it says agrees with the summary, and every run gets one, however little happened in it."""

import base64
import csv
import io
import re
import shlex
import xml.etree.ElementTree as ElementTree
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from test_report_frames import RUNS, FakeRun, an_hour, eighty_eight_days, five_seconds, grow, scenario_of, two_years

import sim
from sim.clock.calendar import MONTHS, NS_PER_S
from sim.report import advice, findings, levers, outlook, phrases, tables
from sim.report.facts import civil_date, gather, periods
from sim.report.figure_bend import cost_against_traffic
from sim.report.figure_cost import cost_over_time
from sim.report.figure_traffic import demand
from sim.report.first_page import conclusions
from sim.report.html import write_report
from sim.report.numbers import share, usd
from sim.scenario.dump import dump

QUICK = "service@pool.service=document_assistant"  # a second and a half for a full batch


@pytest.fixture(scope="module", params=RUNS, ids=lambda make: make.__name__)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[FakeRun, Path]:
    run, folder = request.param(), tmp_path_factory.mktemp("report")
    write_report(run, folder)
    return run, folder


def shown(folder: Path) -> str:
    """The report's text as a reader sees it: no style, no tags, no figures, plain spaces."""
    html = (folder / "report.html").read_text(encoding="utf-8")
    html = re.sub(r"<(style|svg).*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("&#39;", "'").split())


def drawn(run: FakeRun) -> set[str]:
    """Figures that a run has something to show in."""
    windows, summary = run.timeseries, run.summary()
    there = {
        "cost": True, "bend": True, "latency": True, "demand": True,
        "variable": bool(summary["totals"]["variable_usd"]),
        "quality": bool(windows["quality"].notna().any()),
        "cache": bool(windows["hit"].sum() + windows["throttled"].sum()),
        "value": len(run.value) > 0,
        "scale": summary["scale_check"] is not None,
    }  # fmt: skip
    return {name for name, shown in there.items() if shown}


def test_no_number_is_ever_nan_or_infinite(written: tuple[FakeRun, Path]) -> None:
    _, folder = written
    texts = [shown(folder), *(path.read_text(encoding="utf-8") for path in (folder / "plots").iterdir())]
    for text in texts:
        assert not re.search(r"(?i)(?<![a-z])(nan|inf|infinity|nat)(?![a-z])", text)
    assert "None" not in texts[0]


def test_the_report_is_one_file_that_needs_no_network(written: tuple[FakeRun, Path]) -> None:
    _, folder = written
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert len(html) < 1_500_000
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    assert set(re.findall(r"https?://[^\"' )]+", html)) <= {
        "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink",
    }  # fmt: skip
    assert not re.search(r"url\((?!#)", html)


def test_every_figure_is_an_svg_with_title_description_and_units(written: tuple[FakeRun, Path]) -> None:
    _, folder = written
    names = drawn(written[0])
    assert {path.name for path in (folder / "plots").iterdir()} == {f"{n}.{e}" for n in names for e in ("svg", "csv")}
    for name in names:
        root = ElementTree.parse(folder / "plots" / f"{name}.svg").getroot()
        texts = {child.tag.rpartition("}")[2]: child.text for child in root}
        assert len(texts["title"] or "") > 10
        assert len(texts["desc"] or "") > 40
        header = next(csv.reader(io.StringIO((folder / "plots" / f"{name}.csv").read_text())))
        plain = {"phase", "period", "day", "workload", "whole day"}
        assert all(re.search(r"\[[^\]]+\]", column) for column in header if column not in plain)


def test_ids_in_the_page_are_unique_and_all_references_lead_somewhere(written: tuple[FakeRun, Path]) -> None:
    _, folder = written
    html = (folder / "report.html").read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', html)) <= set(ids)


def test_the_data_inside_the_page_are_the_files_beside_it(written: tuple[FakeRun, Path]) -> None:
    _, folder = written
    html = (folder / "report.html").read_text(encoding="utf-8")
    links = dict(re.findall(r'download="([^"]+)" href="data:text/csv;charset=utf-8;base64,([^"]*)"', html))
    assert set(links) == {f"{name}.csv" for name in drawn(written[0])}
    for name, inside in links.items():
        assert base64.b64decode(inside) == (folder / "plots" / name).read_bytes()


def test_the_cost_data_add_up_to_the_summary(written: tuple[FakeRun, Path]) -> None:
    run, folder = written
    rows = list(csv.DictReader(io.StringIO((folder / "plots" / "cost.csv").read_text())))
    money = sum(float(value) for row in rows for name, value in row.items() if name.endswith("[USD]"))
    assert money == pytest.approx(run.summary()["totals"]["total_usd"], rel=1e-9)


def test_text_and_table_tell_the_numbers_of_the_summary(written: tuple[FakeRun, Path]) -> None:
    run, folder = written
    text, summary = shown(folder), run.summary()
    for phase in summary["phases"]:
        assert f"{phase['requests']:,}" in text
        assert usd(phase["fixed_usd"]) in text
        assert usd(phase["variable_usd"]) in text
        assert share(phase["slo_attainment"]) in text
        assert phase["elasticity"].get("reason", "") in text
    assert run.scenario.description in text


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report(an_hour(), tmp_path / name)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*") if path.is_file()}
        for name in ("one", "two")
    )
    assert len(one) == 1 + 2 * len(drawn(an_hour()))
    assert one == two


def test_the_users_own_plot_settings_change_nothing_and_stay(tmp_path: Path) -> None:
    import matplotlib

    write_report(five_seconds(), tmp_path / "plain")
    with matplotlib.rc_context({"font.size": 30.0, "lines.linewidth": 9.0}):
        write_report(five_seconds(), tmp_path / "changed")
        assert matplotlib.rcParams["font.size"] == 30.0
    assert (tmp_path / "plain/report.html").read_bytes() == (tmp_path / "changed/report.html").read_bytes()


def test_what_a_name_holds_is_text_not_markup(tmp_path: Path) -> None:
    run = five_seconds()
    run.scenario = run.scenario.model_copy(update={"description": "<script>alert('x')</script> & co"})
    run.notes.append("<b>bold</b> news")
    write_report(run, tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;b&gt;bold&lt;/b&gt; news" in html


def test_a_phase_under_its_slo_is_said_in_the_conclusion_and_comes_first_in_the_advice() -> None:
    facts = gather(eighty_eight_days())
    assert findings.felt(facts).startswith("The SLO is missed")
    first = advice.next_steps(facts)[0]
    assert "99.9 %" in first.text
    assert first.typed.startswith("poc2scale run scenario=scenario.yaml autoscaler.")


def test_what_is_to_be_typed_is_a_scenario_that_loads(tmp_path: Path) -> None:
    kept = tmp_path / "scenario.yaml"
    for make in RUNS:
        facts = gather(make())
        kept.write_text(dump(facts.scenario), encoding="utf-8")
        for step in (*advice.next_steps(facts), *levers.levers(facts)):
            if step.typed.startswith("poc2scale run"):
                _, _, scenario, *changes = shlex.split(step.typed)
                assert scenario == "scenario=scenario.yaml"
                assert sim.load(str(kept), *changes)


def test_a_phase_shorter_than_a_month_is_told_by_its_total_and_not_by_the_month() -> None:
    # given a life of 90 days whose first phase lasts four of them and pays 27,000 USD once
    run = grow(scenario_of("horizon=90 d", "phases.mvp.start='2026-01-05'", "phases.production.start='2026-01-20'",
                           "phases.scale.start='2026-02-01'"))  # fmt: skip
    run.lines.post(86_400.0, "development", "fixed", 1.0, "once", 27_000.0, "poc")
    facts = gather(run)
    first, last = facts.phases[0], facts.phases[-1]
    # then its cost is told as it is, and that of a long phase by the month
    for said, per in ((findings.headline(facts), "per"), (phrases.phrases(facts)[0], "a")):
        assert f"{usd(first.total_usd)} in the 4 days of poc" in said
        assert f"{usd(last.per(facts.told))} {per} month in scale" in said
    assert first.total_usd > 27_000.0


def test_the_bend_is_that_of_serving_cost_where_there_is_a_commitment() -> None:
    run = two_years()
    without = cost_against_traffic(gather(run))
    starts = [at_ns / NS_PER_S for at_ns in run.calendar.day_starts()]
    for at_s in starts:
        run.lines.post(at_s, "commitment", "fixed", 48.0, "h", 1.0, "scale")
    facts = gather(run)
    plot = cost_against_traffic(facts)
    assert "its variable cost against its requests" in without.sentence
    assert "commitment" not in without.sentence
    assert "its serving cost against its requests" in plot.sentence
    assert "Serving cost is variable cost and the commitment" in plot.sentence
    assert plot.finding.startswith("Serving cost ")
    assert "serving cost [USD]" in plot.csv.splitlines()[0]
    assert tables.phase_rows(facts)[-1].name == "elasticity of serving cost"
    answer, why = conclusions(facts)[2][1:]
    assert "serving cost: variable cost and the commitment" in answer
    assert "of variable cost" not in why


def test_the_month_in_which_variable_cost_overtakes_fixed_is_named() -> None:
    run = grow(scenario_of("horizon=12 months", "phases=production"), per_s=1.0, growth=1.0)
    for month, end_ns in enumerate([*run.calendar.month_starts(), run.calendar.horizon_ns], 1):
        run.lines.post(
            end_ns / NS_PER_S, "serving.api", "variable", 1.0, "request", 40_000.0 if month >= 9 else 0.0, "production"
        )
    assert findings.balance(gather(run)) == "Variable cost overtakes fixed in month 9 (September 2026)"


def test_growth_that_meets_the_largest_pool_dates_the_next_look() -> None:
    curve = "workload.growth={kind: piecewise, points: [{after: 200 d, factor: 6}]}"
    facts = gather(grow(scenario_of("horizon=200 d", "phases=production", curve), per_s=12.0, growth=6.0))
    factor, days = outlook.monthly_growth(facts) or (0.0, 0.0)
    assert factor == pytest.approx(6.0 ** (30.4375 / 200), rel=0.03)
    assert 28 <= days <= 120
    assert re.search(r"Look again before \d+ \w+ 2026|Look again before \d+ \w+ 2027", outlook.look_again(facts))


def test_what_a_cache_answers_brings_no_machine_nearer_to_its_limit() -> None:
    # given traffic whose peak all machines together could not serve, of which a cache answers nineteen in twenty
    curve = "workload.growth={kind: piecewise, points: [{after: 200 d, factor: 6}]}"
    run = grow(scenario_of("horizon=200 d", "phases=production", curve), per_s=40.0, growth=6.0)
    assert outlook.look_again(gather(run)).startswith("Look again now")
    (frame,) = run.windows
    frame["hit"] = frame["offered"] * 19 // 20
    assert not outlook.look_again(gather(run)).startswith("Look again now")


def test_each_workload_has_its_own_latency_panel_and_slo(tmp_path: Path) -> None:
    scenario = scenario_of("horizon=5 s", "learning=none", "phases=production", "record.interval=1 s",
                           "+workloads.chat.slo.latency=5 s", "+workloads.search.slo.latency=300 ms")  # fmt: skip
    run = grow(scenario)
    for frames in (run.windows, run.histograms):
        frames[:] = [frame.assign(workload=name) for frame in frames for name in ("chat", "search")]
    write_report(run, tmp_path)
    svg = (tmp_path / "plots" / "latency.svg").read_text(encoding="utf-8")
    for words in ("chat: latency", "search: latency", "SLO 5 s", "SLO 300 ms"):
        assert words in svg


def two_workloads(*typed: str) -> FakeRun:
    """One pool for two workloads with as many requests each; half of those to search come too late."""
    scenario = scenario_of("horizon=2 d", "learning=none", "phases=production", QUICK,
                           "+workloads.chat.slo.latency=5 s",
                           "+workloads.search.slo.latency=2 s", *typed)  # fmt: skip
    run = grow(scenario, per_s=4.0)
    chat = run.windows[0].assign(workload="chat")
    search = chat.assign(workload="search")
    search["good"] = search["completed"] // 2
    run.windows[:] = [pd.concat([chat, search], ignore_index=True)]
    run.histograms[:] = [frame.assign(workload=name) for frame in run.histograms for name in ("chat", "search")]
    return run


def test_the_workload_that_misses_its_slo_is_the_one_that_is_named(tmp_path: Path) -> None:
    run = two_workloads("workload.slo.share=97 %")
    facts = gather(run)
    assert facts.phases[0].missed
    assert findings.felt(facts).startswith("The SLO is missed in production: ")
    assert "of requests to search that ended were answered within 2 s; promised 97 %" in findings.felt(facts)
    assert "of requests to search that ended were answered in time" in advice.next_steps(facts)[0].text
    write_report(run, tmp_path)
    beside = r"chat [\d.]+ %, promised 97 % within 5 s; search [\d.]+ %, missed, promised 97 %"
    assert re.search(beside, shown(tmp_path))


def test_what_is_attained_is_judged_against_each_own_promise() -> None:
    facts = gather(two_workloads("workloads.chat.slo.share=99 %", "workloads.search.slo.share=40 %"))
    assert facts.phases[0].said["slo_attainment"] < 0.99
    assert not facts.phases[0].missed
    assert findings.felt(facts).startswith("The SLO is held: 99.")


def test_the_peak_says_over_which_time_it_is_a_mean(tmp_path: Path) -> None:
    write_report(five_seconds(), tmp_path)
    assert "mean of the busiest second" in shown(tmp_path)
    rows = {row.key: row for row in tables.phase_rows(gather(eighty_eight_days()))}
    assert {beside for _, beside in rows["peak_rate_per_s"].cells} == {"mean of the busiest hour"}


def test_the_promise_is_of_requests_that_ended(tmp_path: Path) -> None:
    write_report(five_seconds(), tmp_path)
    text = shown(tmp_path)
    assert len(re.findall("of requests that ended", text)) >= 5
    assert "of requests within" not in text


@pytest.mark.parametrize(("per_s", "log"), [(0.8, False), (0.4, True)])
def test_demand_far_below_capacity_is_drawn_on_a_log_scale_that_says_so(per_s: float, log: bool) -> None:
    # given machines for 35 requests a second, and a busiest window of 2 or of 1 request a second
    scenario = scenario_of("horizon=40 d", "phases=production", "learning=none", QUICK)
    figure = demand(gather(grow(scenario, per_s=per_s, growth=2.0)))
    rows = list(csv.DictReader(io.StringIO(figure.csv)))
    peak, most = (
        max(float(row[f"{name} window [requests/s]"]) for row in rows)
        for name in ("let in, busiest", "ready capacity, largest")
    )
    assert (most > 20 * peak) is log
    # then the axis and the sentence say so, and its ticks are powers of ten on either side of demand
    ticks = {float(text) for text in re.findall(r">([0-9.]+)</text>", figure.wide)}
    for svg in (figure.wide, figure.narrow):
        assert ("(log scale)" in svg) is log
    assert ("logarithmic" in figure.sentence) is log
    assert ({0.1, 1.0, 10.0} <= ticks) is log


def test_the_name_of_an_axis_stays_inside_the_figure_whatever_the_length_of_its_ticks() -> None:
    # given a queue of which the ticks are as long as 0.00002
    run = grow(scenario_of("horizon=40 d", "phases=production", "learning=none", QUICK))
    for frame in run.windows:
        frame["queue_mean"] *= 4e-5 / frame["queue_mean"].max()
    figure = demand(gather(run))
    for svg in (figure.wide, figure.narrow):
        assert ">0.00002</text>" in svg
        placed = re.search(r'font-size: ([0-9.]+)px[^"]*" x="(-?[0-9.]+)"[^>]*>waiting</text>', svg)
        assert placed
        # then what rises above the baseline of its letters does, too
        assert float(placed[2]) > 0.8 * float(placed[1])


def test_notes_stand_on_the_first_screen(tmp_path: Path) -> None:
    run = an_hour()
    write_report(run, tmp_path)
    head = (tmp_path / "report.html").read_text(encoding="utf-8").partition("</header>")[0]
    assert run.notes[0] in head


def test_the_version_is_that_which_made_the_run(tmp_path: Path) -> None:
    run = five_seconds()
    run.manifest["version"] = "9.8.7"
    write_report(run, tmp_path)
    assert "with poc2scale 9.8.7 (engine exact" in shown(tmp_path)


class Foreign(datetime):
    """A moment in a process that speaks another language: its names of months are not ours."""

    def strftime(self, form: str) -> str:
        return super().strftime(form.replace("%B", "Aprile").replace("%b", "apr."))

    def __format__(self, form: str) -> str:
        return self.strftime(form) if form else str(self)


def test_months_are_in_english_whatever_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    calendar = two_years().calendar
    civil = calendar.civil
    monkeypatch.setattr(calendar, "civil", lambda t_ns: Foreign.fromisoformat(civil(t_ns).isoformat()))
    starts = [0, *calendar.month_starts()][:12]
    told = [civil_date(calendar, at_ns / NS_PER_S).split()[1] for at_ns in starts]
    assert sorted(told) == sorted(MONTHS)
    assert told[3] == MONTHS[civil(starts[3]).month - 1]
    assert list(periods(two_years().ledger, calendar)["label"])[:3] == [
        f"{MONTHS[civil(at_ns).month - 1]} {civil(at_ns).year}" for at_ns in starts[:3]
    ]


def test_the_date_axis_asks_no_locale_for_names_of_months(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib.dates as marks

    plainly, asked = marks.num2date, []

    def foreign(*given: Any, **named: Any) -> Foreign:
        moment = plainly(*given, **named)
        asked.append(moment)
        return Foreign.combine(moment.date(), moment.timetz())

    monkeypatch.setattr(marks, "num2date", foreign)
    svg = cost_over_time(gather(grow(scenario_of("horizon=200 d", "phases=production")))).wide
    assert asked
    assert "apr." not in svg
    assert re.search(r">(Jan|Feb|Mar|Apr|May|Jun|Jul)<", svg)
