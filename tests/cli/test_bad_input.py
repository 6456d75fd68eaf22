"""What a user gets for wrong input: exit code 2, every problem with its key or row, no traceback, nothing written."""

from pathlib import Path

import pytest

from sim import cli
from tests.cli.refusals import refused

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
STAMPS = [f"2023-11-16 18:15:{s:02}.6805900" for s in range(8)]
ROWS = [f"{stamp},100,10\n" for stamp in STAMPS]
GOOD_TRACE = AZURE + "".join(ROWS)
COUNTS = "interval_start,count\n"
GOOD_COUNTS = COUNTS + "".join(f"2024-03-01 00:0{m}:00,{m}\n" for m in range(8))

OVERRIDE = "phases.scale.override"

# (what is typed, key paths that must be named, words that must be said)
TYPED = {
    "unknown key, one letter off": (["workload.timeot=3 s"], ["workload.timeot"], ["unknown key", "workload.timeout?"]),
    "unknown key at the top": (["timeout=3 s"], ["timeout"], ["Did you mean workload.timeout?"]),
    "unknown node": (["worklod.rate=3 req/s"], ["worklod"], ["Did you mean workload?"]),
    "unknown key deep down": (["pool.batching.max_bach=3"], ["pool.batching.max_bach"], ["max_batch_size"]),
    "Python name instead of the key": (["workload.timeout_s=3"], ["workload.timeout_s"], ["unknown key", "timeout?"]),
    "wrong unit of a rate": (["workload.rate=12 req"], ["workload.rate"], ["12 req", '"12 req/s"']),
    "wrong unit of a duration": (["workload.timeout=12 GB"], ["workload.timeout"], ["a duration", '"90 s"']),
    "bare number for a duration": (["workload.timeout=30"], ["workload.timeout"], ["without a unit"]),
    "bare number for a price": (["pool.machine.price=2"], ["pool.machine.price"], ["without a unit", "USD/h"]),
    "negative rate": (["workload.rate=-3 req/s"], ["workload.rate"], ["out of range"]),
    "rate of zero": (["workload.rate=0 req/s"], ["workload.rate"], ["out of range"]),
    "rate that is no number": (["workload.rate=much"], ["workload.rate"], ["much", "req/s"]),
    "rate not finite": (["workload.rate=1e999 req/s"], ["workload.rate"], ["finite"]),
    "share above one": (["phases.poc.exposure=130 %"], ["phases.poc.exposure"], ["at most 1"]),
    "negative queue": (["pool.queue.capacity=-1"], ["pool.queue.capacity"], ["at least 0"]),
    "fraction of a replica": (
        ["autoscaler=fixed", "autoscaler.replicas=1.5"], ["autoscaler.replicas"], ["whole number"],
    ),
    "HPA min above max": (
        ["autoscaler.min_replicas=9", "autoscaler.max_replicas=3"], ["autoscaler.max_replicas"], ["min"],
    ),
    "HPA target above one": (["autoscaler.target=130 %"], ["autoscaler.target"], ["%"]),
    "HPA without policies": (["autoscaler.scale_up.policies=[]"], ["autoscaler.scale_up.policies"], ["polic"]),
    "timeout below the API's latency": (["workload.timeout=1 s"], ["workload.timeout"], ["1 s", "most requests would"]),
    "timeout below the fastest service": (
        ["phases=production", "service=inoue_v100", "workload.timeout=1 ms"], ["workload.timeout"],
        ["every request would"],
    ),
    "timeout of centuries": (["workload.timeout=1e6 d"], ["workload.timeout"], ["at most 365.25 d"]),
    "phases out of order": (
        ["phases.mvp.start=2026-10-01"], ["phases.production.start"], ["not after the start of mvp"],
    ),
    "first phase elsewhere": (["phases.poc.start=2026-02-01"], ["phases.poc.start"], ["not the scenario's start"]),
    "phase after the end": (["horizon=12 months"], ["phases.scale.start"], ["not before the scenario's end"]),
    "phase before the start": (["phases.mvp.start=2025-02-01"], ["phases.mvp.start"], ["not after the"]),
    "phase date that is none": (["phases.mvp.start=soon"], ["phases.mvp.start"], ["soon", "not a date"]),
    "phase date as a number": (["phases.mvp.start=2026"], ["phases.mvp.start"], ["not a date"]),
    "phase that is not there": (
        ["phases.prodution.exposure=3 %"], ["phases.prodution.exposure"], ["phases.production?"],
    ),
    "no phases": (
        ["phases={}", "~phases.poc", "~phases.mvp", "~phases.production", "~phases.scale"], ["phases"], ["empty"],
    ),
    "serving that is none": (["phases.poc.serving=cloud"], ["phases.poc.serving"], ["api", "pool"]),
    "override of demand": ([OVERRIDE + "={workload: {rate: 3 req/s}}"], [OVERRIDE + ".workload.rate"], ["exposure"]),
    "override of growth": ([OVERRIDE + ".workload.growth.ceiling=3"], [OVERRIDE + ".workload.growth"], ["demand"]),
    "override of the seed": ([OVERRIDE + ".seed=3"], [OVERRIDE + ".seed"], ["whole scenario"]),
    "override of another pool": (
        [OVERRIDE + ".pools.two.routing=round_robin"], [OVERRIDE + ".pools.two"], ["There are: main"],
    ),
    "override with a wrong value": (
        [OVERRIDE + ".pool.queue.capacity=-1"], [OVERRIDE + ".pool.queue.capacity"], ["-1"],
    ),
    "override against the base": ([OVERRIDE + ".autoscaler.max_replicas=1"], [OVERRIDE + ".autoscaler"], ["min"]),
    "override of another kind": (
        [OVERRIDE + ".autoscaler.kind=fixed"], [OVERRIDE + ".autoscaler.replicas"], ["missing"],
    ),
    "unknown option": (["autoscaler=hpaa"], ["autoscaler"], ["hpaa", "autoscaler=hpa?", "fixed"]),
    "unknown scenario": (["scenario=documentassistant"], ["scenario"], ["scenario=document_assistant?"]),
    "scenario without its key": (["worldcup98"], ["worldcup98"], ["scenario=worldcup98"]),
    "group without an option": (["machine"], ["machine"], ["machine=OPTION"]),
    "group that cannot go": (["~autoscaler"], ["autoscaler"], ["cannot be removed"]),
    "option of no group": (["gpu@pool.machine=big"], ["gpu"], ["not a group"]),
    "several values": (["seed=1,2"], ["seed"], ["several values"]),
    "value with an equals sign": (["workload.path=a=b"], ["workload.path"], ["quotes", "'workload.path=\"a=b\"'"]),
    "value with parentheses": (["workload.path=/x y/(z).csv"], ["workload.path"], ["quotes"]),
    "open brace": (["workload={"], ["workload"], ["quotes"]),
    "no key": (["=3"], ["=3"], ["key=value"]),
    "odd key": (["work load=3"], ["work load"], ["key path"]),
    "nothing to remove": (["~phases.beta"], ["~phases.beta"], ["nothing there"]),
    "reference to nothing": (["workload.timeout=${patience}"], ["workload.timeout"], ["patience", "reference"]),
    "code in a value": (["workload._target_=os.system"], ["workload._target_"], ["never name code"]),
    "horizon of nothing": (["horizon=0 d"], ["horizon"], ["out of range"]),
    "horizon of no months": (["horizon=0 months"], ["horizon"], ["out of range"]),
    "horizon backwards": (["horizon=-3 d"], ["horizon"], ["out of range"]),
    "horizon of millennia": (["horizon=3000 years"], ["horizon"], ["at most 100 years"]),
    "horizon without a unit": (["horizon=24"], ["horizon"], ["without a unit", "24 months"]),
    "horizon in words": (["horizon=long"], ["horizon"], ["long", "24 months"]),
    "no horizon": (["horizon=null"], ["horizon"], ["missing"]),
    "no start": (["start=null"], ["start"], ["missing"]),
    "start that is no date": (["start=2026-13-01"], ["start"], ["not a date"]),
    "start out of this world": (["start=9999-12-31"], ["start"], ["out of range"]),
    "unknown time zone": (["timezone=Europe/Pariss"], ["timezone"], ["Europe/Paris?"]),
    "time zone with tricks": (["timezone=../etc/passwd"], ["timezone"], ["not a time zone"]),
    "negative seed": (["seed=-1"], ["seed"], ["at least 0"]),
    "seed too large": (["seed=9223372036854775808"], ["seed"], ["at most 9,223,372,036,854,775,807"]),
    "seed in words": (["seed=lucky"], ["seed"], ["whole number"]),
    "engine that is none": (["engine=fast"], ["engine"], ["exact", "reference"]),
    "name with a path": (["name=../../x"], ["name"], ["not a name"]),
    "record windows too long": (["record.interval=2 d"], ["record.interval"], ["at most 1 day"]),
    "record windows too short": (["record.interval=1 ms"], ["record.interval"], ["at least 1 s"]),
    "too many record windows": (["record.interval=1 s"], ["record.interval"], ["windows"]),
    "model larger than the machine": (["pool.model.memory=90 GB"], ["pool"], ["90 GB", "80 GB", "machine"]),
    "pool that is not there": (["workload.pool=gpu"], ["workload.pool"], ["no such pool", "main"]),
    "workload of an unknown kind": (["workload.kind=repay"], ["workload.kind"], ["Did you mean replay?"]),
    "a number for a node": (["workload.slo=3"], ["workload.slo"], ["group of keys"]),
    "a number for an entry": (["pools.a=3"], ["pools.a"], ["group of keys"]),
    "a list for a node": (["workloads=[1]"], ["workloads"], ["group of keys"]),
    "seasonality of a day": (["workload.seasonality.weights=[1,2]"], ["workload.seasonality.weights"], ["168"]),
    "lognormal without spread": (["pool.service.cv=0"], ["pool.service"], ["cv"]),
    "negative salary": (["phases.poc.staff.ml_engineer.salary=-1 USD/year"], ["salary"], ["out of range"]),
    "decimal comma": (['workload.timeout="1,5 s"'], ["workload.timeout"], ["1,5 s", "a duration"]),
    "a value from the environment": (["description=${oc.env:HOME}"], ["description"], ["reads nothing but itself"]),
    "a queue in which no batch can form": (
        ["pool.queue.capacity=3", "pool.batching.max_queue_delay=50 ms"], ["pool.queue"],
        ["no room for a batch of", "max_queue_delay: 0 s"],
    ),
    "a lag of a million scrapes": (
        ["pool.scrape={lag: 10 d, interval: 1 s}"], ["pool.scrape.lag"], ["at most 1000 times"],
    ),
    "spread beyond all measure": (["pool.service.cv=1e200"], ["pool.service.cv"], ["1e+200", "at most 10"]),
    "an API's spread beyond all measure": (["api.latency.cv=11"], ["api.latency.cv"], ["at most 10"]),
    "salary of a planet": (
        ["phases.poc.staff.ml_engineer.salary=1e20 USD/year"], ["salary"], ["at most 1,000,000,000 USD/year"],
    ),
    "staff of a country": (["phases.poc.staff.ml_engineer.fte=1e9"], ["fte"], ["at most 100,000"]),
    "machine of a state budget": (["pool.machine.price=1e15 USD/h"], ["pool.machine.price"], ["1,000,000 USD/h"]),
    "tokens of gold": (["api.prompt=1e9 USD/Mtok"], ["api.prompt"], ["at most 1,000,000 USD/Mtok"]),
    "requests of gold": (["api.request=1e9 USD"], ["api.request"], ["at most 1,000,000 USD"]),
    "logs of gold": (["price.logs.storage=1e9 USD/GB/month"], ["price.logs.storage"], ["at most 1,000,000"]),
    "answers larger than all disks": (["workload.response=1e30 GB"], ["workload.response"], ["at most 1,000,000 TB"]),
    "prompts larger than all libraries": (["workload.prompt_tokens=1e200"], ["workload.prompt_tokens"], ["at most"]),
    "more than a request a nanosecond": (["workload.rate=1e10 req/s"], ["workload.rate"], ["1,000,000,000 req/s"]),
    "more replicas than a pool holds": (
        ["autoscaler.max_replicas=30000000"], ["autoscaler.max_replicas"], ["at most 10,000"],
    ),
    "more fixed replicas than a pool holds": (
        ["autoscaler=fixed", "autoscaler.replicas=10001"], ["autoscaler.replicas"], ["at most 10,000"],
    ),
    "more replicas than a run holds": (
        ["pools={" + ",".join(f"p{i}: {{}}" for i in range(30)) + "}", "autoscaler.max_replicas=10000",
         "workload.pool=p1"],
        ["pools"], ["600,180 replicas", "200,000"],
    ),
    "too many workloads": (
        ["workloads={" + ",".join(f"w{i}: {{}}" for i in range(101)) + "}"], ["workloads"], ["at most 100 entries"],
    ),
    "a look at every nanosecond": (["autoscaler.sync_period=1 ns"], ["autoscaler.sync_period"], ["at least 0.1 s"]),
    "a scrape at every nanosecond": (["pool.scrape={interval: 1 ns}"], ["pool.scrape.interval"], ["at least 0.1 s"]),
    "target of nearly nothing": (["autoscaler.target=1e-9 %"], ["autoscaler.target"], ["whole per cent"]),
    "target of a metropolis": (
        ["autoscaler.metric=in_flight", "autoscaler.target=1e200"], ["autoscaler.target"], ["at most 10,000,000"],
    ),
    "service of two years": (["pool.service.base=2e8 s"], ["pool.service.base"], ["at most 365.25 d"]),
    "machine in two years": (["pool.machine.provisioning=731 d"], ["pool.machine.provisioning"], ["365.25 d"]),
    "start beyond 64-bit time stamps": (["start=2200-01-01"], ["start"], ["from 1900 to 2150"]),
    "too many rows of all workloads": (
        ["record.interval=15 min", "workloads={a: {}, b: {}}"], ["record.interval"],
        ["70,080 windows for each of 2 workloads", "at least 1262 s"],
    ),
    "recorded traffic without a file": (["scenario=worldcup98"], ["workload.path"], ["workload.path=FILE"]),
}  # fmt: skip


def assert_named(lines: list[str], keys: list[str], words: list[str]) -> None:
    """Every key begins a line or is in the first, and every word is somewhere."""
    for key in keys:
        assert any(line.startswith(key) for line in lines) or key in lines[0], (key, lines)
    for word in words:
        assert any(word in line for line in lines), (word, lines)


@pytest.mark.parametrize(("typed", "keys", "words"), TYPED.values(), ids=TYPED.keys())
def test_what_is_typed_wrong_is_named(typed, keys, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    code = cli.main(["check", *typed])

    assert_named(refused(capsys, tmp_path, code), keys, words)


def test_several_problems_are_all_said_at_once(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keys = ["workload.timeout", "seed", "autoscaler.tolerance", "horizon"]

    code = cli.main(["check", "workload.timeout=3", "seed=-1", "autoscaler.tolerance=200 %", "horizon=soon"])

    lines = refused(capsys, tmp_path, code)
    assert len(lines) == 4
    assert_named(lines, keys, [])


# content of the recorded traffic, words that must be said: seen from the file's columns and its ends alone
ENDS = {
    "missing": ("replay", None, ["no such file"]),
    "empty": ("replay", b"", ["empty"]),
    "only a header": ("replay", AZURE.encode(), ["no "]),
    "binary": ("replay", bytes(range(256)) * 40, []),
    "wrong columns": ("replay", b"when,what\n2024-01-01,3\n", ["TIMESTAMP", "arrival"]),
    "truncated last row": ("replay", GOOD_TRACE.encode() + b"2023-11-16 18:2", []),
    "ends before it begins": ("replay", (AZURE + ROWS[5] + ROWS[0]).encode(), ["out of order"]),
    "first time not a time": ("replay", (AZURE + "yesterday,1,1\n" + ROWS[0]).encode(), ["yesterday"]),
    "counts missing": ("counts", None, ["no such file"]),
    "counts with wrong columns": ("counts", b"minute,requests\n2024-01-01,3\n", ["interval_start", "count"]),
    "counts in words": ("counts", (GOOD_COUNTS + "2024-03-01 00:08:00,many\n").encode(), ["many"]),
    "counts below zero": ("counts", (GOOD_COUNTS + "2024-03-01 00:08:00,-4\n").encode(), ["-4"]),
}

# the same for what only a look at every row finds, which `run` does before it writes anything
EVERY_ROW = {
    "out of order in the middle": ("replay", AZURE + ROWS[0] + ROWS[3] + ROWS[2] + ROWS[5], ["row 4", "order"]),
    "not a number in the middle": ("replay", AZURE + ROWS[0] + f"{STAMPS[1]},NaN,3\n" + ROWS[2], ["row 3"]),
    "missing cells in the middle": ("replay", AZURE + ROWS[0] + "2023-11-16 18:15:01\n" + ROWS[2], ["row 3"]),
    "mixed time zones": ("replay", AZURE + ROWS[0] + "2023-11-16T18:15:01+02:00,1,1\n" + ROWS[2], ["row 3"]),
    "an interval twice": ("counts", GOOD_COUNTS + "2024-03-01 00:07:00,3\n", ["row 10"]),
    "half a request": (
        "counts", COUNTS + "2024-03-01 00:00:00,1\n2024-03-01 00:01:00,1.5\n2024-03-01 00:02:00,1\n", ["1.5"],
    ),
}  # fmt: skip


def traffic(folder: Path, kind: str, content: bytes | None) -> list[str]:
    path = folder / "traffic.csv"
    if content is not None:
        path.write_bytes(content)
    return [f"workload={kind}", "scenario=azure_llm", f"workload.path={path}"]


@pytest.mark.parametrize(("kind", "content", "words"), ENDS.values(), ids=ENDS.keys())
def test_recorded_traffic_that_is_wrong_at_its_ends_is_refused_by_check(kind, content, words, capsys, tmp_path):
    typed = traffic(tmp_path, kind, content)
    before = set(tmp_path.rglob("*"))

    code = cli.main(["check", *typed])

    assert_named(refused(capsys, tmp_path, code, before), [str(tmp_path / "traffic.csv")], words)


@pytest.mark.parametrize(("kind", "content", "words"), EVERY_ROW.values(), ids=EVERY_ROW.keys())
def test_recorded_traffic_that_is_wrong_anywhere_is_refused_by_run(kind, content, words, capsys, tmp_path):
    typed = traffic(tmp_path, kind, content.encode())
    before = set(tmp_path.rglob("*"))

    code = cli.main(["run", *typed, "--out", str(tmp_path / "outputs"), "--quiet"])

    assert_named(refused(capsys, tmp_path, code, before), [str(tmp_path / "traffic.csv")], words)


# content of a scenario file given by its path, words that must be said
FILES = {
    "not there": (None, ["no such file"]),
    "empty": (b"", ["empty"]),
    "a list": (b"- 1\n- 2\n", ["group of keys"]),
    "a word": (b"hello\n", []),
    "binary": (b"\xff\xfe\x00\x01" * 50, ["not a text file"]),
    "not YAML": (b"name: [1, 2\nseed: 3\n", ["not valid YAML", "row"]),
    "tabs": (b"name:\n\tx: 1\n", ["not valid YAML", "row 2"]),
    "a key twice": (b"name: a\nseed: 1\nname: b\n", ["duplicate key", "row 3"]),
    "code": (b"_target_: os.system\nname: a\n", ["_target_: unknown key", "never name code"]),
    "a Python object": (b"name: !!python/object/apply:os.system ['true']\n", ["not valid YAML"]),
    "a defaults list": (b"defaults:\n  - workload: poisson\nname: a\n", ["defaults", "whole tree"]),
    "nearly nothing": (b"name: a\n", ["missing", "timezone", "phases"]),
    "a reference to itself": (b"name: ${name}\n", ["name"]),
}


@pytest.mark.parametrize(("content", "words"), FILES.values(), ids=FILES.keys())
def test_a_scenario_file_that_is_wrong_is_refused(content, words, capsys, tmp_path):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    before = set(tmp_path.rglob("*"))

    code = cli.main(["check", f"scenario={path}"])

    assert_named(refused(capsys, tmp_path, code, before), [], words)


def test_a_folder_is_no_scenario_file(capsys, tmp_path):
    code = cli.main(["check", f"scenario={tmp_path}"])

    assert_named(refused(capsys, tmp_path, code), [str(tmp_path)], ["a folder"])


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["rn"], ["rn", "Did you mean run?"]),
        (["run", "--jsn"], ["--jsn", "poc2scale run --help"]),
        (["run", "--out"], ["--out"]),
        (["list", "machin"], ["machin", "Did you mean machine?"]),
    ],
)
def test_a_wrong_verb_or_option_is_one_line_and_exit_code_2(typed, words, capsys):
    code = cli.main(typed)

    out, err = capsys.readouterr()
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert all(word in err for word in words)


def test_a_file_as_the_place_for_runs_is_refused_before_anything_runs(capsys, tmp_path):
    (tmp_path / "outputs").write_text("")

    code = cli.main(["run", "--out", str(tmp_path / "outputs")])

    assert code == 2
    assert "is a file" in capsys.readouterr().err
