"""The report of a whole life: gates, quality, cache, value and hosting are told, and agree with the summary."""

import re
from pathlib import Path

import pytest
from test_report import shown
from test_report_frames import DAY_S, FakeRun, enliven, five_seconds, grow, scenario_of, two_years, whole_life

from sim.clock.calendar import MONTH_DAYS
from sim.report import advice, findings, levers, outlook, phrases, tables, tables_life
from sim.report.assumptions import assumptions
from sim.report.facts import Facts, gather
from sim.report.figure_cost import group_sums, variable_money
from sim.report.figure_quality import deploys
from sim.report.figure_value import by_period
from sim.report.first_page import conclusions, phase_costs
from sim.report.html import plots, write_report
from sim.report.numbers import usd
from sim.scenario.model import CountsProduct


@pytest.fixture(scope="module")
def life() -> Facts:
    return gather(whole_life())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("life")
    write_report(whole_life(), folder)
    return folder


def first_page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8").partition("</header>")[0]


def test_the_first_page_answers_what_it_costs_where_variable_takes_over_why_it_bends_and_what_next(page: Path) -> None:
    head = first_page(page)
    for words in ("What does it cost?", "Where does variable cost take over?", "Why does the cost bend?",
                  "What to do next", "When to look again", "users’ SLO"):  # fmt: skip
        assert words in head


def test_the_first_page_tells_what_each_phase_costs_as_the_summary_does(life: Facts, page: Path) -> None:
    head = first_page(page)
    for row, phase in zip(phase_costs(life), life.summary["phases"], strict=True):
        assert (row.name, row.fixed, row.variable) == (
            phase["name"],
            usd(phase["fixed_usd"]),
            usd(phase["variable_usd"]),
        )
        assert row.slo.startswith("missed" if row.missed else "held")
        assert f">{row.per_thousand}<" in head
        cost = (phase["fixed_usd"] + phase["variable_usd"]) / phase["days"] * MONTH_DAYS
        assert row.a_month == usd(cost)
        assert f">{row.a_month}<" in head


def test_a_phase_shorter_than_a_month_has_its_total_in_the_table() -> None:
    facts = gather(grow(scenario_of("horizon=9 d", "phases=production")))
    (row,) = phase_costs(facts)
    assert row.a_month == f"{usd(facts.total_usd)} total"


@pytest.mark.parametrize(
    ("slope", "said"),
    [
        ((0.99, 0.98, 1.03), "(95 % sure: 9.79 to 10.3 %)"),
        ((-0.05, -0.09, -0.02), "(95 % sure: 0.190 to 0.854 %)"),
        ((0.0, -0.02, 0.03), "(95 % sure: 0.190 % less to 0.286 % more)"),
        ((0.98, 0.98, 0.98), "(95 % sure)"),
        ((0.0, 0.0, 0.0), "next to nothing more in scale"),
    ],
)
def test_the_range_of_the_bend_is_told_in_plain_words(slope: tuple[float, float, float], said: str) -> None:
    """No jargon on the first page, and no range from nothing to nothing."""
    facts = gather(grow(scenario_of()))
    facts.phases[-1].said["elasticity"].update(dict(zip(("value", "lo", "hi"), slope, strict=True)))
    answer = conclusions(facts)[2].answer
    assert "elasticity" not in answer
    assert said in answer
    if not any(slope):
        assert "95 % sure" not in answer


def test_the_month_of_the_crossover_is_that_of_the_summary(life: Facts) -> None:
    there = life.summary["crossover"]
    assert there["month"] is not None
    answer = conclusions(life)[1].answer
    assert f"In month {there['month']}, {there['label']} (95 % sure" in answer
    assert findings.balance(life) == f"Variable cost overtakes fixed in month {there['month']} ({there['label']})"


def test_where_variable_cost_never_leads_the_reason_is_told() -> None:
    facts = gather(two_years())
    assert facts.summary["crossover"]["month"] is None
    reason = facts.summary["crossover"]["reason"]
    assert reason in conclusions(facts)[1].answer.replace("Fixed", "fixed")


def test_every_new_model_is_numbered_in_figure_and_table(life: Facts, page: Path) -> None:
    marks = deploys(life)
    assert len(marks) == sum(phase["retrainings"] for phase in life.summary["phases"]) == 12
    svg = (page / "plots" / "quality.svg").read_text(encoding="utf-8")
    rows = tables_life.events(life).rows
    for mark in marks:
        assert any(row[0] == mark.mark for row in rows)
    assert {"D1", "D5", "D11"} <= set(re.findall(r">(D\d+)<", svg))
    assert [row[0] for row in rows if not row[0].startswith("D")] == ["2", "3", "4"]


def test_promotions_tell_the_values_that_opened_the_gate(life: Facts, page: Path) -> None:
    rows = tables_life.promotions(life).rows
    assert [row[1] for row in rows] == [phase.name for phase in life.phases[1:]]
    for row in rows:
        assert row[-1] == "traffic 2.31 req/s ≥ 2 req/s (not needed: quality 88.2 % < 90 %)"
    assert "traffic 2.31 req/s ≥ 2 req/s" in shown(page).replace("\u00a0", " ")


def test_thresholds_are_passed_missed_or_not_measured(life: Facts) -> None:
    said = {name: [cell[0] for cell in cells] for name, _, cells in tables_life.thresholds(life)}
    assert said == {
        "unit cost": ["passed"] * 4,
        "latency p99": ["missed"] * 4,
        "false positive rate": ["not measured"] * 4,
        "cost reduction": ["not measured"] * 4,
    }
    limits = [limit for _, limit, _ in tables_life.thresholds(life)]
    assert limits == ["at most 0.001 USD", "at most 200 ms", "at most 1 %", "at least 20 %"]


@pytest.mark.parametrize(
    ("condition", "measured", "limit", "value"),
    [
        ("{kind: traffic, at_least: 3 req/min}", 0.0483333, "at least 3 req/min", "2.9 req/min"),
        ("{kind: requests, at_least: 5000}", 4999, "at least 5,000 req", "4,999 req"),
        ("{kind: value, at_least: 500 USD/day}", 437.5, "at least 500 USD/day", "438 USD/day"),
        ("{kind: slo_attainment, at_least: 99.95 %}", 0.99949, "at least 99.95 %", "99.9 %"),
        ("{kind: date, from: '2026-04-01'}", "2026-03-31 00:00:00+02:00", "from 2026-04-01", "2026-03-31"),
    ],
)
def test_a_threshold_reads_as_the_check_does_with_its_unit(
    condition: str, measured: object, limit: str, value: str
) -> None:
    # given a threshold that a phase missed
    run = grow(scenario_of("horizon=2 d", "phases=production", "learning=none", f"gates.asked={condition}"))
    row = {"phase": "production", "name": "asked", "measure": "", "value": measured, "limit": 0, "passed": False}
    run.thresholds.append(row | {"said": ""})
    facts = gather(run)

    found = {name: (wanted, cells) for name, wanted, cells in tables_life.thresholds(facts)}

    assert found["asked"] == (limit, [("missed", value, True)])
    assert f"asked {limit}" in next(row.value for row in assumptions(facts) if row.what == "thresholds")


def test_moves_between_ways_of_serving_tell_what_was_paid_once(life: Facts) -> None:
    rows = tables_life.moves(life).rows
    assert [row[:3] for row in rows] == [
        ("mvp", "rented API → managed endpoint", "$5k"),
        ("production", "managed endpoint → own machines", "$5k"),
        ("scale", "own machines → committed machines", "$5k"),
    ]


def test_figures_with_nothing_to_show_are_left_out() -> None:
    assert [plot.key for plot in plots(gather(whole_life()))] == [
        "cost", "bend", "variable", "latency", "quality", "demand", "cache", "value", "scale",
    ]  # fmt: skip
    assert [plot.key for plot in plots(gather(two_years()))] == ["cost", "bend", "variable", "latency", "demand"]


def test_areas_of_variable_money_add_up_to_all_of_it(life: Facts) -> None:
    plot = variable_money(life)
    assert plot is not None
    head, *rows = [line.split(",") for line in plot.csv.splitlines()]
    money = [index for index, name in enumerate(head) if name.endswith("[USD]")]
    total = sum(float(row[index]) for row in rows for index in money)
    assert total == pytest.approx(life.summary["totals"]["variable_usd"], rel=1e-9)
    assert sum(group_sums(life).values()) == pytest.approx(total, rel=1e-9)


def test_value_by_month_adds_up_to_the_summary_and_is_no_part_of_cost(life: Facts) -> None:
    table = by_period(life)
    assert table["earned"].sum() == pytest.approx(life.summary["totals"]["value_usd"], rel=1e-9)
    lost = life.summary["totals"]["value_lost_usd"]
    for name, reason in (("stale model", "staleness"), ("shed or late", "shed"), ("turned away", "throttled")):
        assert table[name].sum() == pytest.approx(lost[reason], rel=1e-9)
    assert table["cost"].sum() == pytest.approx(life.summary["totals"]["total_usd"], rel=1e-9)


def test_accounts_have_a_sum_for_fixed_and_one_for_variable(life: Facts) -> None:
    sums = {row[0]: row[-2] for row in tables.accounts(life).rows if row[0].startswith("all ")}
    totals = life.summary["totals"]
    assert sums == {
        "all fixed cost": usd(totals["fixed_usd"]),
        "all variable cost": usd(totals["variable_usd"]),
        "all accounts": usd(totals["total_usd"]),
    }


def test_the_drivers_of_the_bend_stand_in_order(life: Facts) -> None:
    bends = [abs(float(row[-1])) for row in tables_life.driver_table(life).rows]
    assert bends == sorted(bends, reverse=True)
    assert conclusions(life)[2].detail.startswith("What bends it most")


def test_three_to_five_sentences_for_the_meeting_hold_numbers(life: Facts) -> None:
    for facts in (life, gather(two_years())):
        said = phrases.phrases(facts)
        assert 3 <= len(said) <= 5
        assert all(re.search(r"\d", sentence) for sentence in said)


def test_the_scale_check_is_told_only_where_it_was_asked_for(page: Path, tmp_path: Path) -> None:
    text = (page / "report.html").read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ")
    assert 'id="scale-check"' in text
    # then the first page has its total (2 to the 0.7th, the 0.6th to the 0.8th), and its section whose draw it is
    assert "Played again with 2 times the requests, serving costs 1.62 times as much (95 % sure: 1.52 to 1.74)." in text
    assert "another draw of the same demand" in text
    write_report(five_seconds(), tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert 'id="scale-check"' not in text
    assert "Played again" not in text


def test_assumptions_cover_every_part_that_is_on(life: Facts) -> None:
    told = {row.what: row.value for row in assumptions(life)}
    for what in ("rate limit of main", "cache of main", "quality of main", "monitor of main", "retraining of main",
                 "value of an answer of main", "hosting of pool main: managed endpoint", "gate of mvp",
                 "other costs of poc", "thresholds", "incidents"):  # fmt: skip
        assert told[what]
    assert "unit cost at most 0.001 USD" in told["thresholds"]
    off = gather(
        grow(
            scenario_of(
                "learning=none", "cache=none", "admission=none", "value=none", "incidents=none", "phases=production"
            )
        )
    )
    assert not {"rate limit of main", "cache of main", "quality of main", "incidents"} & {
        row.what for row in assumptions(off)
    }


def on_demand() -> FakeRun:
    """A pool on demand for 100 days: two replicas always, two more for 70 % of the time."""
    run = grow(scenario_of("horizon=100 d", "phases=production"), per_s=0.2, growth=1.5)
    (frame,) = run.windows
    frame["replicas_ready"] = [4.0 if n % 10 < 7 else 2.0 for n in range(len(frame))]
    return run


def test_a_commitment_is_offered_for_what_is_cheaper_under_a_contract() -> None:
    facts = gather(on_demand())
    step = next(step for step in levers.levers(facts) if step.text.startswith("Commit"))
    pool = facts.phases[-1].scenario.pools["main"]
    discount = pool.hosting.committed.discount
    committed = 4 * (1 - discount)
    expected = (2 + 2 * 0.7 - committed) * pool.machine.price_usd_per_h * 24 * MONTH_DAYS
    assert step.saves_usd == pytest.approx(expected, rel=1e-3)  # 70 % of 2,400 windows
    assert usd(step.saves_usd) in step.text
    assert "4 machines" in step.text
    assert "hosting.committed.base_replicas=4" in step.typed


def test_idle_machines_of_a_commitment_are_told_and_fewer_are_committed_to() -> None:
    # given replicas of which four are committed to, and nearly all of their time idle
    run = grow(
        scenario_of("horizon=100 d", "phases=production", "phases.production.serving=committed", "autoscaler=fixed",
                    "autoscaler.replicas=4", "hosting.committed.base_replicas=4"), per_s=0.2, growth=1.5
    )  # fmt: skip
    facts = gather(run)
    pool = facts.phases[-1].scenario.pools["main"]
    step = next(step for step in levers.levers(facts) if "autoscaler" in step.text)
    # then the saving holds what three of the four cost under their contract, beside what is idle on demand
    committed = 3 * pool.machine.price_usd_per_h * (1 - pool.hosting.committed.discount) * 24 * MONTH_DAYS
    on_demand = levers.account_usd(facts, facts.phases[-1], "serving.machine.idle")
    assert step.saves_usd == pytest.approx((committed + on_demand) / 2, rel=1e-9)
    assert "commit to 1 instead of 4" in step.text
    assert "hosting.committed.base_replicas=1" in step.typed


def test_no_commitment_is_offered_for_what_is_on_for_too_short_a_time() -> None:
    run = on_demand()
    run.windows[0]["replicas_ready"] = [4.0 if n % 10 < 5 else 2.0 for n in range(len(run.windows[0]))]
    step = next(step for step in levers.levers(gather(run)) if step.text.startswith("Commit"))
    assert "hosting.committed.base_replicas=2" in step.typed


def test_levers_come_by_what_they_save_and_a_broken_promise_before_them(life: Facts) -> None:
    for facts in (life, gather(two_years()), gather(on_demand())):
        saved = [step.saves_usd for step in levers.levers(facts)]
        assert saved == sorted(saved, reverse=True)
    missed = gather(two_years())
    assert missed.phases[0].missed
    assert "99 % are promised" in advice.next_steps(missed)[0].text


def test_a_phase_that_never_began_is_said_to_wait_for_its_gate() -> None:
    run = grow(scenario_of("horizon=24 months"), per_s=0.4)
    lived = run.phases_effective[:2]
    lived[-1] = (lived[-1][0], lived[-1][1], run.scenario.horizon_s)

    class Stuck(FakeRun):
        phases_effective = lived

    stuck = Stuck(run.scenario)
    stuck.windows = [frame for frame in run.windows if frame["phase"].iloc[0] in ("poc", "mvp")]
    stuck.histograms = [frame[frame["phase"].isin(["poc", "mvp"])] for frame in run.histograms]
    stuck.lines = run.lines
    steps = advice.next_steps(gather(stuck))
    assert any("See what keeps production (own machines) from beginning" in step.text for step in steps)


def test_there_is_always_a_date_to_look_again() -> None:
    for run in (whole_life(), two_years(), five_seconds(), on_demand()):
        assert re.search(r"(by|before) \d+ [A-Z][a-z]+ 20\d\d", outlook.look_again(gather(run)))


def test_quality_without_retraining_is_said_to_fall() -> None:
    run = enliven(grow(scenario_of("horizon=50 d", "phases=production")))
    assert not [row for row in run.happened if row[1] == "model_deployed"]
    facts = gather(run)
    title = next(plot.finding for plot in plots(facts) if plot.key == "quality")
    assert re.fullmatch(r"Quality falls from 9[12][\d.]* % to 83[\d.]* %, and no retraining mends it", title)
    assert facts.horizon_s == 50 * DAY_S


def test_a_season_does_not_pass_for_growth() -> None:
    """Months that rise while growth stands still: nothing is said to grow."""
    yearly = f"workload.yearly={[1 + month / 4 for month in range(12)]}"
    scenario = scenario_of("horizon=200 d", "phases=production", "workload.growth={kind: none}", yearly)
    facts = gather(grow(scenario, per_s=1.0, growth=3.0))
    factor, _ = outlook.monthly_growth(facts) or (0.0, 0.0)
    assert factor == 1.0
    assert "seasons and launches aside" in outlook.look_again(facts)


def test_growth_of_recorded_traffic_is_that_which_was_seen_and_says_so() -> None:
    # given the same months, of which nobody knows what was season
    run = grow(scenario_of("horizon=200 d", "phases=production"), per_s=1.0, growth=3.0)
    had = run.scenario.workloads["main"]
    shared = {name: getattr(had, name) for name in CountsProduct.model_fields if hasattr(had, name)}
    recorded = CountsProduct.model_construct(**shared | {"kind": "counts", "path": "counts.csv", "interval_s": 3600.0})
    run.scenario = run.scenario.model_copy(update={"workloads": {"main": recorded}})
    facts = gather(run)
    factor, _ = outlook.monthly_growth(facts) or (0.0, 0.0)
    assert factor == pytest.approx(3.0 ** (MONTH_DAYS / 200), rel=0.03)
    assert "a month, seasons and all" in outlook.look_again(facts)
