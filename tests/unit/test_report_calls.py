"""What a report says of clients who try again, of stages and of closed loops, and only where there are any."""

import pytest
from test_report_frames import grow, scenario_of

from sim import load, simulate
from sim.report import outlook, tables
from sim.report.assumptions import assumptions
from sim.report.facts import Facts, gather

RETRY = {
    "kind": "exponential", "max_attempts": 3, "after": ["throttled", "timed_out"], "base_delay": "1 s",
    "max_delay": "5 s", "multiplier": 2, "jitter": "full", "budget": 0.5, "saved": 20,
}  # fmt: skip
STAGES = {
    "small": {"pool": "small", "next": {"large": 0.4}},
    "large": {"fan_out": 2, "hedge": {"after": "50 ms"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def staged() -> Facts:
    """A quarter of an hour of a cascade, where many requests are throttled at first."""
    return gather(
        simulate(
            load(
                "azure_llm", "workload=poisson", "phases=production", "admission=token_bucket", "autoscaler=fixed",
                name="staged", start="2026-01-01", timezone="UTC", horizon="15 min", record={"interval": "5 min"},
                pools={"small": {}, "main": {}}, workload={"rate": "1 req/s", "stages": STAGES, "retry": RETRY},
                admission={"rate": "1 req/s", "burst": 1}, autoscaler={"replicas": 20},
            )
        )
    )  # fmt: skip


def told(facts: Facts) -> dict[str, str]:
    return {row.what: row.value for row in assumptions(facts)}


def test_retries_and_stages_are_among_the_assumptions(staged: Facts) -> None:
    said = told(staged)
    assert said["retries of main"] == (
        "throttled or timed out: asked again up to 2 times, after 1 s, each time 2 times as long up to 5 s (a random "
        "share of that); retries for at most 50 % of requests, and 20 saved up"
    )
    assert said["stage small of main"] == "served by pool small, 40 % go on to large"
    assert said["stage large of main"] == (
        "served by pool main, in 2 parts, of which the slowest decides, a second copy of parts not answered after 50 ms"
    )


def test_retries_and_hedges_are_counted_in_both_tables(staged: Facts) -> None:
    (said,) = staged.summary["phases"]
    assert said["retries"] > 0
    assert said["hedges"] > 0
    rows = {row.key: row.cells[0] for row in tables.phase_rows(staged)}
    assert rows["retries"][0] == f"{said['retries']:,}"
    assert rows["retries"][1].endswith("attempts per request")
    assert rows["hedges"][0] == f"{said['hedges']:,}"
    ends = {row[0]: row[2] for row in tables.outcomes(staged).rows}
    assert (ends["retries"], ends["hedges"]) == (rows["retries"][0], rows["hedges"][0])


def test_a_run_without_calls_says_nothing_of_them() -> None:
    facts = gather(grow(scenario_of("horizon=40 d", "phases=production")))
    assert not [what for what in told(facts) if what.startswith(("retries", "stage "))]
    assert not {"retries", "hedges", "attempts_per_request"} & facts.summary["phases"][0].keys()
    assert not {"retries", "hedges"} & {row.key for row in tables.phase_rows(facts)}
    assert not {"retries", "hedges"} & {row[0] for row in tables.outcomes(facts).rows}


def test_a_closed_loop_tells_its_users_and_their_thinking_and_does_not_grow() -> None:
    asked = {"users": 3, "think": {"mean": "1 h"}, "timeout": "120 s"}
    facts = gather(
        simulate(
            load(
                "document_assistant", "workload=closed_loop", "phases=production", "learning=none", workload=asked,
                horizon="35 d", record={"interval": "1 h"},
            )
        )
    )  # fmt: skip
    assert told(facts)["demand of main"] == (
        "a closed loop of 3 users: ask, wait for the answer, think for 1 h on average, ask again; no growth"
    )
    assert outlook.monthly_growth(facts) == (1.0, 28.0)
    assert "as a closed loop has as many users throughout" in outlook.look_again(facts)
