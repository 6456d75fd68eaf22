"""The user's own manifests at the door: beside other keys, in a scenario's file, in a phase, in a study, and back."""

import json
from pathlib import Path

import pytest
import yaml

import sim
from sim import cli
from tests.unit.manifest_examples import ALL, HPA_CPU, HPA_METRICS, KEDA, KEDA_METRICS, RAY

SHORT = ["phases=production", "horizon=2 h", "learning=none", "incidents=none", "pool.routing=shared_queue"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(metrics: dict[str, str]) -> str:
    return "autoscaler.manifest_metrics={" + ", ".join(f"{name}: {word}" for name, word in metrics.items()) + "}"


@pytest.mark.parametrize("example", ALL)
def test_every_manifest_is_a_policy_of_a_scenario(example, folder, capsys) -> None:
    text, metrics = ALL[example]
    (folder / "m.yaml").write_text(text, encoding="utf-8")
    typed = [said(metrics)] if metrics else []
    limits = ["autoscaler.min_replicas=1", "autoscaler.max_replicas=20", "pool.routing=shared_queue"]
    scenario = "realtime_vision" if example == "hpa_cpu" else "document_assistant"
    assert cli.main(["check", f"scenario={scenario}", "autoscaler.manifest=m.yaml", *typed, *limits]) == 0
    resolved = yaml.safe_load(capsys.readouterr().out)
    assert resolved["autoscaler"]["max_replicas"] == 20
    assert "manifest" not in resolved["autoscaler"]


def test_the_resolved_scenario_holds_the_policy_itself_and_loads_again(folder, capsys) -> None:
    (folder / "hpa.yaml").write_text(HPA_CPU, encoding="utf-8")
    assert cli.main(["check", "autoscaler.manifest=hpa.yaml"]) == 0
    (folder / "resolved.yaml").write_text(capsys.readouterr().out, encoding="utf-8")
    (folder / "hpa.yaml").unlink()
    policy = sim.load("resolved.yaml").pools["main"].autoscaler
    assert (policy.kind, policy.max_replicas, policy.target, policy.behaviour) == ("hpa", 10, 0.5, "legacy")


@pytest.mark.parametrize("order", [1, -1])
def test_keys_beside_a_manifest_override_it_in_any_order_and_the_scenarios_own_are_forgotten(order, folder) -> None:
    (folder / "hpa.yaml").write_text(HPA_CPU, encoding="utf-8")
    typed = ["autoscaler.manifest=hpa.yaml", "autoscaler.target=70 %", "autoscaler.scale_down.stabilisation=60 s"]
    policy = sim.load(*typed[::order]).pools["main"].autoscaler
    assert (policy.target, policy.max_replicas, policy.scale_down.stabilisation_s) == (0.7, 10, 60.0)
    # the scenario itself says 60 s, 30 min and up to 32
    assert (policy.sync_period_s, policy.min_replicas) == (15.0, 2)


def test_a_manifest_in_a_scenarios_file_lies_beside_that_file(folder, capsys) -> None:
    (folder / "worlds").mkdir()
    (folder / "worlds" / "hpa.yaml").write_text(HPA_CPU, encoding="utf-8")
    assert cli.main(["check", "scenario=realtime_vision"]) == 0
    tree = yaml.safe_load(capsys.readouterr().out)
    tree["autoscaler"] = {"manifest": "hpa.yaml", "min_replicas": 4}
    (folder / "worlds" / "mine.yaml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    policy = sim.load("worlds/mine.yaml", "autoscaler.target=80 %").pools["main"].autoscaler
    assert (policy.min_replicas, policy.max_replicas, policy.target) == (4, 10, 0.8)


def test_a_phase_can_have_a_manifest_of_its_own(folder) -> None:
    (folder / "ray.yaml").write_text(RAY, encoding="utf-8")
    keys = ["manifest=ray.yaml", "min_replicas=1"]
    scenario = sim.load(*(f"phases.scale.override.autoscaler.{key}" for key in keys))
    kinds = {name: s.pools["main"].autoscaler.kind for name, s in sim.scenario.phase_scenarios(scenario).items()}
    assert kinds == {"poc": "hpa", "mvp": "hpa", "production": "hpa", "scale": "ray_serve"}


def test_what_is_ignored_is_said_on_standard_error_and_in_the_comments_of_check(folder, capsys) -> None:
    (folder / "hpa.yaml").write_text(HPA_CPU.replace("minReplicas", "minReplica"), encoding="utf-8")
    assert cli.main(["check", "autoscaler.manifest=hpa.yaml"]) == 0
    out, err = capsys.readouterr()
    sentence = "spec.minReplica ignored: nothing here reads it; did you mean minReplicas?"
    assert f"# manifest: {sentence}\n" in out
    assert f"poc2scale: note: manifest hpa.yaml: {sentence}\n" in err


def test_a_phase_that_changes_the_policy_is_said(folder, capsys) -> None:
    (folder / "hpa.yaml").write_text(HPA_CPU, encoding="utf-8")
    assert cli.main(["check", "autoscaler.manifest=hpa.yaml"]) == 0
    out, _ = capsys.readouterr()
    assert "# manifest: min_replicas, max_replicas in the phase mvp: phases.mvp.override.autoscaler counts there" in out


@pytest.mark.parametrize(
    "kind", ["hpa", "keda", "knative", "ray_serve", "target_tracking", "sagemaker", "step_scaling"]
)
def test_every_policy_that_has_a_manifest_is_printed_as_one_and_is_the_same_again(kind, folder, capsys) -> None:
    typed = ["scenario=realtime_vision", f"autoscaler={kind}", "autoscaler.min_replicas=1"]
    assert cli.main(["manifest", *typed]) == 0
    text, err = capsys.readouterr()
    assert err == ""
    (folder / "m.yaml").write_text(text, encoding="utf-8")
    again = sim.load("scenario=realtime_vision", "autoscaler.manifest=m.yaml").pools["main"].autoscaler
    before = sim.load(*typed).pools["main"].autoscaler
    # what the controller of a manifest cannot be told is as it comes
    own = {"metric_delay_s", "start_replicas"}
    assert again.model_dump(exclude=own) == before.model_dump(exclude=own)


def test_a_manifest_that_was_read_is_printed_with_what_differs_alone(folder, capsys) -> None:
    (folder / "keda.yaml").write_text(KEDA, encoding="utf-8")
    typed = [
        "autoscaler.manifest=keda.yaml",
        said(KEDA_METRICS),
        "autoscaler.cooldown=90 s",
        "autoscaler.tolerance=5 %",
        "pool.routing=shared_queue",
    ]
    assert cli.main(["manifest", "scenario=realtime_vision", *typed, "--as", "keda"]) == 0
    out, err = capsys.readouterr()
    expected = yaml.safe_load(KEDA)
    expected["spec"]["cooldownPeriod"] = 90
    assert yaml.safe_load(out) == expected
    sentence = "tolerance 5 %: kube-controller-manager --horizontal-pod-autoscaler-tolerance."
    assert f"# not in this manifest: {sentence}\n" in out
    assert f"poc2scale: note: not in this manifest: {sentence}\n" in err


def test_a_search_writes_the_best_as_a_manifest_of_the_same_kind(folder, capsys) -> None:
    pytest.importorskip("optuna")
    text = ALL["hpa"][0].replace("minReplicas: 3", "minReplicas: 1")
    (folder / "hpa.yaml").write_text(text, encoding="utf-8")
    typed = [*SHORT, "autoscaler.manifest=hpa.yaml", said(HPA_METRICS), "autoscaler.max_replicas=2,3"]
    options = ["--trials", "2", "--replications", "2", "--workers", "1", "--quiet", "--json"]
    assert cli.main(["tune", *typed, *options]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    written = (Path(found["study_dir"]) / "best-hpa.yaml").read_text(encoding="utf-8")
    assert found["manifests"] == {"best-hpa.yaml": written}
    expected = yaml.safe_load(text)
    expected["spec"]["maxReplicas"] = int(found["best"][0].partition("=")[2])
    assert yaml.safe_load(written) == expected
    assert err.count("selector ignored") == 1
