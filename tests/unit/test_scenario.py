"""Scenarios: composition, base nodes and patches, phases, and the way back to YAML."""

import os
import random
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

import sim
from sim.clock.calendar import NS_PER_DAY
from sim.scenario import Scenario, changes_by_phase, choices, dump, load, phase_scenarios, remarks
from sim.scenario.compose import Composed, compose
from sim.scenario.load import assemble
from sim.scenario.patches import difference, leaves, merge, resolve

OVERRIDE = "phases.scale.override.autoscaler.max_replicas=40"
TWO_POOLS = [
    "pools.one.routing=round_robin", "pools.two.autoscaler.kind=fixed", "pools.two.autoscaler.replicas=3",
    "workloads.chat.pool=one", "workloads.batch.pool=two", "workloads.batch.rate=1 req/min",
]  # fmt: skip


def data(name: str) -> str:
    if "SIM_DATA" not in os.environ:
        pytest.skip("SIM_DATA does not name a folder of real data")
    return str(Path(os.environ["SIM_DATA"]) / name)


def saved(scenario: Scenario, folder: Path) -> str:
    path = folder / "scenario.yaml"
    path.write_text(dump(scenario))
    return str(path)


def test_the_default_is_two_years_of_a_document_assistant():
    scenario = load()

    assert scenario.name == "document_assistant"
    assert scenario.start == datetime(2026, 1, 1)
    assert scenario.horizon_s == 730 * 86_400
    assert {name: phase.serving for name, phase in scenario.phases.items()} == {
        "poc": "api", "mvp": "managed", "production": "pool", "scale": "committed",
    }  # fmt: skip
    assert list(scenario.workloads) == list(scenario.pools) == ["main"]


def test_the_public_load_is_the_same():
    assert sim.load(seed=7) == load("document_assistant", "seed=7") == load("seed=7")


def test_values_from_python_reach_nested_keys():
    assert load(workload={"timeout": "70 s"}).workloads["main"].timeout_s == 70.0


def test_a_scenario_is_frozen():
    with pytest.raises(ValidationError):
        load().seed = 2


def test_groups_and_values_are_chosen_in_any_order():
    scenario = load("document_assistant", "autoscaler.replicas=5", "autoscaler=fixed", "machine=aws_g5_xlarge")

    assert scenario.pools["main"].autoscaler.replicas == 5
    assert scenario.pools["main"].machine.name.startswith("g5")


def test_a_choice_of_the_same_kind_keeps_what_the_scenario_tuned():
    assert load("autoscaler=hpa") == load()


def test_a_choice_of_another_kind_forgets_what_was_meant_for_the_first_in_nodes_inside_and_in_phases(tmp_path):
    # given a scenario that tunes a retraining by threshold, and a phase that narrows an HPA
    assert load().workloads["main"].learning.retraining.kind == "threshold"
    assert changes_by_phase(load())["mvp"] == {"autoscaler": {"min_replicas": 1, "max_replicas": 6}}

    for typed in (["document_assistant"], [saved(load(), tmp_path)]):
        scenario = load(*typed, "learning=periodic", "autoscaler=fixed", "autoscaler.replicas=3")

        assert scenario.workloads["main"].learning.retraining.kind == "periodic"
        assert {p.pools["main"].autoscaler.replicas for p in phase_scenarios(scenario).values()} == {3}
    assert load("learning=periodic").workloads["main"].learning.quality == load().workloads["main"].learning.quality


def test_a_gate_is_taken_away_as_it_is_typed():
    for typed in ("phases.{}.gate=null", "~phases.{}.gate"):
        scenario = load("document_assistant", *(typed.format(name) for name in ("mvp", "production", "scale")))

        assert all(phase.gate is None for phase in scenario.phases.values())


def test_base_keys_reach_every_entry_that_does_not_set_its_own():
    typed = ["pool.queue.capacity=9", "pools.two.queue.capacity=11", "autoscaler.max_replicas=7"]

    scenario = load("document_assistant", *TWO_POOLS, *typed)

    assert [pool.queue.capacity for pool in scenario.pools.values()] == [9, 11]
    assert scenario.pools["one"].autoscaler.max_replicas == 7
    assert (scenario.pools["two"].autoscaler.kind, scenario.pools["two"].autoscaler.replicas) == ("fixed", 3)
    assert [w.pool for w in scenario.workloads.values()] == ["one", "two"]


def test_an_option_can_be_put_into_one_entry():
    scenario = load("document_assistant", *TWO_POOLS, "machine@pools.two.machine=aws_g5_xlarge")

    assert scenario.pools["one"].machine.name != scenario.pools["two"].machine.name


@pytest.mark.parametrize("typed", [[], TWO_POOLS, ["autoscaler=fixed"], [OVERRIDE]])
def test_what_is_printed_loads_again_as_an_equal_scenario(typed, tmp_path):
    scenario = load("document_assistant", *typed)

    assert load(saved(scenario, tmp_path)) == scenario


def test_base_keys_still_reach_a_scenario_that_was_printed(tmp_path):
    path = saved(load(), tmp_path)

    assert load(path, "autoscaler.max_replicas=9").pools["main"].autoscaler.max_replicas == 9
    assert load(path, "autoscaler=fixed").pools["main"].autoscaler.kind == "fixed"
    assert load(f"scenario={path}", "seed=4").seed == 4


def test_a_base_key_that_reaches_nothing_is_refused(tmp_path):
    path = saved(load("document_assistant", *TWO_POOLS), tmp_path)

    with pytest.raises(sim.InputError, match=r"workload\.timeout: reaches nothing.*workloads\.chat\.timeout"):
        load(path, "workload.timeout=20 s")


def test_a_phase_overrides_base_nodes_entries_and_kinds():
    scenario = load(
        "document_assistant", *TWO_POOLS,
        "phases.production.override={pool: {queue: {capacity: 70}}, workload: {timeout: 20 s}}",
        "phases.scale.override={autoscaler: {kind: fixed, replicas: 4}, pools: {two: {routing: shared_queue}}}",
        "phases.scale.override.api.request=1 USD",
    )  # fmt: skip

    phases = phase_scenarios(scenario)

    assert list(phases) == ["poc", "mvp", "production", "scale"]
    assert phases["poc"].pools == scenario.pools
    assert [pool.queue.capacity for pool in phases["production"].pools.values()] == [70, 70]
    assert {w.timeout_s for w in phases["production"].workloads.values()} == {20.0}
    assert phases["scale"].pools["one"].autoscaler.replicas == 4
    assert phases["scale"].pools["two"].autoscaler.replicas == 3, "an entry's own value wins in a phase too"
    assert [pool.routing for pool in phases["scale"].pools.values()] == ["round_robin", "shared_queue"]
    assert phases["scale"].api.request_usd == 1.0
    changed = {"poc", "mvp", "production", "scale"}
    assert set(changes_by_phase(scenario)) == changed, "the API has a model of its own, and the MVP's endpoint is small"


def test_every_phase_is_a_whole_valid_scenario(tmp_path):
    scenario = load("document_assistant", OVERRIDE)

    phases = phase_scenarios(scenario)
    again = phase_scenarios(load(saved(scenario, tmp_path)))

    assert phases == again
    assert phases["scale"].pools["main"].autoscaler.max_replicas == 40


def test_phases_keep_every_number_to_the_last_bit():
    scenario = load(
        "document_assistant", "workload.slo.share=0.999", f"workload.timeout={100 / 3!r} s", "~phases.poc.override",
    )  # fmt: skip

    assert all(phase.workloads == scenario.workloads for phase in phase_scenarios(scenario).values())


def test_the_calendar_is_the_scenarios():
    calendar = load().calendar()

    assert (calendar.horizon_ns, len(calendar.day_starts())) == (730 * NS_PER_DAY, 729)


def test_an_error_names_the_file_that_set_the_value(tmp_path):
    with pytest.raises(sim.InputError) as refused:
        load("document_assistant", "phases.mvp.start=2026-10-01", "seed=-1")

    sources = {p.where: p.source for p in refused.value.problems}
    assert sources == {"phases.production.start": "conf/phases/four_phases.yaml", "seed": "command line"}


def test_real_counts_give_start_and_horizon():
    scenario = load("worldcup98", "workload.path=" + data("worldcup98/worldcup98_requests_per_minute.parquet"))

    assert scenario.start == datetime(1998, 4, 30, 23, 30)  # 21:30 GMT, as civil time in Paris
    assert scenario.horizon_s == 125_310 * 60.0  # to 26 July 22:00 GMT


def test_a_real_trace_gives_start_and_horizon():
    path = data("azure_llm_2023/data/AzureLLMInferenceTrace_code.csv")

    scenario = load("azure_llm", f"workload.path={path}")

    assert scenario.start == datetime(2023, 11, 16, 18, 17)
    assert 0 < scenario.horizon_s <= 3700
    assert scenario.horizon_s % 60 == 0


def test_a_start_after_the_recorded_traffic_is_refused():
    path = data("azure_llm_2023/data/AzureLLMInferenceTrace_code.csv")

    with pytest.raises(sim.InputError, match=r"start: .*recorded traffic"):
        load("azure_llm", f"workload.path={path}", "start=2024-01-01")


def test_loading_leaves_no_state_of_hydra_behind():
    from hydra.core.global_hydra import GlobalHydra

    before = GlobalHydra.instance().hydra
    load()

    assert GlobalHydra.instance().hydra is before


def test_loading_works_inside_an_application_that_uses_hydra_itself(tmp_path):
    from hydra import compose as theirs
    from hydra import initialize_config_dir

    (tmp_path / "app.yaml").write_text("x: 1\n")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        load()
        assert theirs("app").x == 1


def test_merging_never_changes_its_arguments_and_difference_undoes_it():
    base = {"a": {"kind": "x", "p": 1, "q": 2}, "b": 1}
    patch = {"a": {"p": 3}, "c": {"d": 4}}

    merged = merge(base, patch)

    assert merged == {"a": {"kind": "x", "p": 3, "q": 2}, "b": 1, "c": {"d": 4}}
    assert base == {"a": {"kind": "x", "p": 1, "q": 2}, "b": 1}
    assert merge(base, difference(base, merged)) == merged
    assert merge(base, {"a": {"kind": "y", "r": 1}})["a"] == {"kind": "y", "r": 1}


def test_no_patches_mean_one_entry_called_main():
    assert resolve({"workload": {"a": 1}, "pool": {"b": 2}, "autoscaler": {"c": 3}}) == {
        "workloads": {"main": {"a": 1}}, "pools": {"main": {"autoscaler": {"c": 3}, "b": 2}},
    }  # fmt: skip


JUNK = [None, 3, -1.5, True, "x", "1 s", [], [1], {}, {"kind": "hpa"}, {"a": {"b": 1}}, [{"a": 1}], "", "\n",
        10**30, 1e200, float("nan"), float("inf"), "1e400 s", "1e200 s", "nan s"]  # fmt: skip


def with_value(tree, path, value):
    if not path:
        return value
    if isinstance(tree, list):
        return [with_value(v, path[1:], value) if str(i) == path[0] else v for i, v in enumerate(tree)]
    return {**tree, path[0]: with_value(tree.get(path[0]), path[1:], value)}


def test_junk_anywhere_in_the_tree_is_a_problem_and_never_a_crash():
    tree = compose("document_assistant", [OVERRIDE]).tree
    nodes = sorted({path[:n] for path, _ in leaves(tree) for n in range(1, len(path) + 1)})
    draw = random.Random(20260101)

    for path in nodes:
        for junk in draw.sample(JUNK, 3):
            wrong = with_value(tree, path, junk)
            assert all(str(problem).strip() for problem in problems_of(wrong))


def test_service_times_of_another_machine_or_model_are_remarked_on_once():
    assert remarks(load()) == []

    borrowed = remarks(load("document_assistant", "machine=aws_g5_xlarge", "model=vision"))

    assert [text.split(" (")[0] for text in borrowed] == [
        "pool main: service times measured on NVIDIA H100 are used on g5.xlarge",
        "pool main: service times measured with the model llm_8b are used for resnet50; take a service fitted with "
        "that model",
    ]


@pytest.mark.parametrize(
    ("hardware", "accelerator", "count"),
    [("nvidia l4", "NVIDIA L4", 0), ("L4", "NVIDIA L4", 0), ("one NVIDIA L4 of eight", "NVIDIA L4", 0),
     ("NVIDIA L4", "NVIDIA L40", 1), ("NVIDIA A10", "NVIDIA A10G", 1)],
)  # fmt: skip
def test_hardware_is_compared_by_whole_words_in_any_case(hardware, accelerator, count):
    typed = [f"pool.service.hardware='{hardware}'", f"pool.machine.accelerator='{accelerator}'"]

    assert len(remarks(load("document_assistant", *typed))) == count


def test_only_phases_that_a_pool_serves_are_remarked_on():
    elsewhere = "phases.{}.override.pool.machine.accelerator=other"

    assert remarks(load("document_assistant", elsewhere.format("poc"))) == []
    assert len(remarks(load("document_assistant", elsewhere.format("scale")))) == 1


def test_a_commitment_to_more_replicas_than_are_ever_asked_for_is_remarked_on():
    few = ("document_assistant", "autoscaler=fixed", "autoscaler.replicas=2")
    assert remarks(load(*few, "hosting.committed.base_replicas=2")) == []

    (said,) = remarks(load(*few, "hosting.committed.base_replicas=3"))

    assert said.startswith("phase scale: pool main commits to 3 replicas and never asks for more than 2, so that 1")
    assert "Lower hosting.committed.base_replicas to 2" in said


def test_entries_that_are_not_there_are_named_in_the_order_typed():
    names = [f"x{i}" for i in range(20)]
    pools = ", ".join(f"{name}: {{routing: round_robin}}" for name in names)

    with pytest.raises(sim.InputError) as refused:
        load("document_assistant", f"phases.scale.override.pools={{{pools}}}")

    where = [p.where.rsplit(".", 1)[1] for p in refused.value.problems]
    assert [name for name in where if name in names] == names


@pytest.mark.parametrize("place", ["pkg/sim/conf", "pkg/conf"])
def test_conf_is_found_where_it_is_installed_and_in_a_clone(place, tmp_path, monkeypatch):
    module = tmp_path / "pkg/sim/scenario/choices.py"
    module.parent.mkdir(parents=True)
    (tmp_path / place).mkdir()
    (tmp_path / place / "config.yaml").write_text("defaults: []\n")
    monkeypatch.setattr(choices, "__file__", str(module))

    assert choices.conf_folder() == tmp_path / place


def test_no_conf_anywhere_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(choices, "__file__", str(tmp_path / "sim/scenario/choices.py"))

    with pytest.raises(sim.RunError, match="conf/ is missing"):
        choices.conf_folder()


def test_the_shipped_world_cup_scenario_takes_the_public_csv_and_minutes_alike(tmp_path):
    for column in ("period", "minute"):
        path = tmp_path / f"{column}.csv"
        path.write_text(f"{column},count\n1998-06-09 21:58:00,5\n1998-06-09 21:59:00,6\n1998-06-09 22:00:00,6\n")

        scenario = load("worldcup98", f"workload.path={path}", "horizon=1 h", "phases=production")

        assert scenario.start == datetime(1998, 6, 9, 23, 58)
        assert load(saved(scenario, tmp_path)) == scenario


def problems_of(tree) -> tuple:
    """Most junk is refused, some of it is a value like another."""
    try:
        assemble(Composed(tree, [("file.yaml", tree)]))
    except sim.InputError as refused:
        return refused.problems
    return ()
