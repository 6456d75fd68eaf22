"""What a user may write about demand, and what is refused."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from sim.workload.growth import ExponentialGrowth, GrowthPoint, LogisticGrowth, NoGrowth, PiecewiseGrowth
from sim.workload.parameters import (
    DEMAND_KEYS,
    ClientMixWorkload,
    CountsWorkload,
    Demand,
    PoissonWorkload,
    RatedWorkload,
    RenewalWorkload,
    ReplayWorkload,
    Workload,
)
from sim.workload.rate import growth_factor

CONF = Path(__file__).parents[2] / "conf" / "workload"
DAY = 86_400.0
COMMON: dict[str, Any] = {
    "timeout": "30 s", "slo": {"latency": "5 s", "share": "99 %"}, "prompt_tokens": 1155, "output_tokens": 211,
    "response": "2 kB", "log": "2 kB",
}  # fmt: skip
POISSON = {"kind": "poisson", "rate": "12 req/s", **COMMON}
WORKLOADS: TypeAdapter[Any] = TypeAdapter(Workload)


def read(tree: dict[str, Any]) -> Any:
    return WORKLOADS.validate_python(tree, context={"door": True})


KINDS = [
    ("poisson", PoissonWorkload), ("renewal", RenewalWorkload), ("client_mix", ClientMixWorkload),
    ("counts", CountsWorkload), ("replay", ReplayWorkload),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_every_shipped_choice_is_valid_and_begins_with_a_line_for_the_list(name: str, kind: type) -> None:
    # given a file of conf/workload, when it is read
    text = (CONF / f"{name}.yaml").read_text()
    workload = read(yaml.safe_load(text))
    # then it is the kind its name says, its file is not chosen yet, and its first line says what it is
    assert isinstance(workload, kind)
    assert getattr(workload, "path", None) is None
    assert text.startswith("# ")


def test_every_shipped_value_says_where_it_comes_from() -> None:
    for file in CONF.glob("*.yaml"):
        said = False
        for line in file.read_text().splitlines()[1:]:
            key, _, comment = line.partition("#")
            structure = key.strip() in ("]", "") or key.strip().endswith((":", ",", "[")) or "kind:" in key
            assert structure or comment or said, f"{file.name}: {line}"
            said = not key.strip()


def test_shipped_kinds_with_a_rate_have_one_demand_curve_and_no_surprises() -> None:
    poisson, *others = (
        read(yaml.safe_load((CONF / f"{k}.yaml").read_text())) for k in ("poisson", "renewal", "client_mix")
    )
    for other in others:
        assert {f: getattr(other, f) for f in RatedWorkload.model_fields} == {
            f: getattr(poisson, f) for f in RatedWorkload.model_fields
        }
    assert (poisson.yearly, poisson.holidays, poisson.launches, poisson.spikes) == (None, None, (), None)
    assert (poisson.keys.kind, poisson.tenant_count) == ("unique", 1)


def test_the_shipped_mix_is_what_the_clients_of_servegen_measure() -> None:
    # given the windows of the first week, when its 8 largest clients are measured anew
    folder = os.environ.get("SIM_DATA")
    if not folder or not (Path(folder) / "servegen").exists():
        pytest.skip("SIM_DATA names no folder with servegen/")
    frame = pd.read_parquet(Path(folder) / "servegen" / "servegen_client_windows.parquet")
    frame = frame[(frame.category == "language") & (frame.model == "m-small") & (frame.window_start_s < 7 * DAY)]
    frame = frame[frame.rate_rps > 0]
    largest = frame.groupby("client").rate_rps.sum().nlargest(8)
    assert largest.sum() / frame.rate_rps.sum() == pytest.approx(0.885, abs=0.0005)
    mix = read(yaml.safe_load((CONF / "client_mix.yaml").read_text())).clients
    for client, (number, rate) in zip(mix, largest.items(), strict=True):
        windows = frame[(frame.client == number) & frame.family.notna()].sort_values("cv")
        weight = windows.rate_rps.cumsum() / windows.rate_rps.sum()
        gamma = windows.rate_rps[windows.family == "Gamma"].sum() / windows.rate_rps.sum()
        # then the file says the same, to the digits that it has
        assert client.share == pytest.approx(rate / largest.sum(), abs=0.00051)
        assert client.cv == pytest.approx(float(windows.cv[weight >= 0.5].iloc[0]), rel=0.005)
        assert client.interarrival == ("gamma" if gamma > 0.5 else "weibull")


def test_quantities_arrive_in_the_units_of_their_names() -> None:
    workload = read({**POISSON, "rate": "30 req/min", "growth": {"kind": "exponential", "doubling": "2 weeks"}})
    assert workload.rate_per_s == pytest.approx(0.5)
    assert workload.growth == ExponentialGrowth(doubling_s=14 * DAY)
    assert workload.slo.latency_s == 5.0
    assert workload.pool == "main"
    assert workload.resolution_s == 3600.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rate": "0 req/s"}, "more than 0"),
        ({"rate": "-1 req/s"}, "at least 0"),
        ({"rate": "12"}, "without a unit"),
        ({"rate": "12 req"}, "not a unit of a rate"),
        ({"resolution": "0.5 s"}, "at least 1 s"),
        ({"timeout": "0 s"}, "more than 0"),
        ({"slo": {"latency": "5 s", "share": "101 %"}}, "at most 1"),
        ({"growth": {"kind": "logistic", "ceiling": 2, "midpoint": "1 d"}}, "greater than 2"),
        ({"growth": {"kind": "logistic", "ceiling": 5}}, "midpoint"),
        ({"growth": {"kind": "exponential", "doubling": "0 d"}}, "more than 0"),
        ({"growth": {"kind": "linear"}}, "linear"),
        ({"growth": {"kind": "piecewise", "points": []}}, "at least 1 item"),
        (
            {"growth": {"kind": "piecewise", "points": [{"after": "2 d", "factor": 2}, {"after": "1 d", "factor": 3}]}},
            "out of order",
        ),
        ({"growth": {"kind": "piecewise", "points": [{"after": "2 d", "factor": 0}]}}, "more than 0"),
        ({"seasonality": {"kind": "hour_of_week", "weights": [1.0] * 167}}, "167 weights. Expected 168"),
        ({"seasonality": {"kind": "hour_of_week", "weights": [1.0] * 167 + [-1.0]}}, "at least 0"),
        ({"seasonality": {"kind": "hour_of_week", "weights": [0.0] * 168}}, "every weight is 0"),
        ({"path": "trace.csv"}, "path"),
        ({"yearly": [1.0] * 11}, "11 weights. Expected 12, one for each month, January first"),
        ({"yearly": [0.0] * 12}, "every weight is 0"),
        ({"holidays": {"dates": [], "factor": 0.4}}, "0 days. Expected 1 to 1,000"),
        ({"holidays": {"dates": ["25.12."], "factor": 0.4}}, "not a day. Expected one of every year such as"),
        ({"holidays": {"dates": ["02-30"], "factor": 0.4}}, "no day of the calendar"),
        ({"holidays": {"dates": ["2026-02-29"], "factor": 0.4}}, "no day of the calendar"),
        ({"holidays": {"dates": ["00-10"], "factor": 0.4}}, "no day of the calendar"),
        ({"holidays": {"dates": ["12-25"], "factor": -1}}, "at least 0"),
        ({"holidays": {"dates": ["12-25"]}}, "factor"),
        ({"launches": [{"at": "soon", "factor": 3, "decay": "7 d"}]}, "not a date. Expected one such as"),
        ({"launches": [{"at": "2026-09-01", "factor": 0, "decay": "7 d"}]}, "more than 0"),
        ({"launches": [{"at": "2026-09-01", "factor": 3, "decay": "0 d"}]}, "more than 0"),
        ({"launches": [{"at": "2026-09-01", "factor": 3, "decay": 7}]}, "without a unit"),
        ({"spikes": {"per_year": 4, "factor": 1, "decay": "6 h"}}, "greater than 1"),
        ({"spikes": {"per_year": 0, "factor": 5, "decay": "6 h"}}, "more than 0"),
        ({"spikes": {"per_year": 365, "factor": 5, "decay": "30 d"}}, "30 spikes at once on average, and 10 is the"),
        ({"keys": {"kind": "zipf", "catalogue": 0}}, "greater than or equal to 1"),
        ({"keys": {"kind": "zipf", "catalogue": 10_000_001}}, "less than or equal to 10000000"),
        ({"keys": {"kind": "zipf", "drift": "101 %"}}, "at most 1"),
        ({"keys": {"kind": "zipf", "exponent": -1}}, "at least 0"),
        ({"keys": {"kind": "trace"}}, "only a replayed trace has keys of its own"),
        ({"keys": {"kind": "pareto"}}, "pareto"),
        ({"tenants": {"count": 0}}, "greater than or equal to 1"),
        ({"tenants": {"count": 1.5}}, "not a whole number"),
    ],
)
def test_what_cannot_be_demand_is_refused_with_what_is_allowed(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read({**POISSON, **change})
    assert said in str(refused.value)


RENEWAL = {**POISSON, "kind": "renewal"}
CLIENT = {"share": "50 %", "cv": 2, "interarrival": "gamma"}
MIX = {**POISSON, "kind": "client_mix", "clients": [CLIENT, CLIENT]}


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (RENEWAL, "interarrival"),
        ({**RENEWAL, "interarrival": {"kind": "gamma", "cv": 0}}, "more than 0"),
        ({**RENEWAL, "interarrival": {"kind": "gamma", "cv": 0.05}}, "greater than or equal to 0.1"),
        ({**RENEWAL, "interarrival": {"kind": "weibull", "cv": 21}}, "less than or equal to 20"),
        ({**RENEWAL, "interarrival": {"kind": "pareto", "cv": 2}}, "'gamma' or 'weibull'"),
        ({**POISSON, "interarrival": {"kind": "gamma", "cv": 2}}, "interarrival"),
        ({**MIX, "clients": []}, "0 clients. Expected 1 to 100"),
        ({**MIX, "clients": [{**CLIENT, "share": "1 %"}] * 101}, "101 clients. Expected 1 to 100"),
        ({**MIX, "clients": [CLIENT] * 3}, "shares add up to 1.5, over 1. Type shares whose sum is 1"),
        ({**MIX, "clients": [CLIENT]}, "shares add up to 0.5, under 1"),
        ({**MIX, "clients": [CLIENT, CLIENT, {**CLIENT, "share": 0}]}, "a client with a share of 0"),
        ({**MIX, "tenants": {"count": 2}}, "each client of a mix is a tenant"),
        ({**MIX, "keys": {"kind": "trace"}}, "only a replayed trace"),
        ({"kind": "replay", "keys": {"kind": "trace", "column": ""}, **COMMON}, "at least 1 character"),
    ],
)
def test_what_cannot_be_a_renewal_process_or_a_mix_is_refused(tree: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read(tree)
    assert said in str(refused.value)


def test_a_workload_with_everything_survives_being_written_and_read_again() -> None:
    tree = {
        **MIX, "yearly": [1] * 11 + [2], "holidays": {"dates": ["02-29", "2026-05-14"], "factor": 0.4},
        "launches": [{"at": at, "factor": 3, "decay": "7 d"} for at in ("2026-09-01", "2026-09-01 09:30")],
        "spikes": {"per_year": 4, "factor": 5, "decay": "6 h"}, "keys": {"kind": "zipf", "drift": "1 %"},
    }  # fmt: skip
    workload = read(tree)
    written = workload.model_dump(mode="json", by_alias=True)
    assert read(written) == workload
    assert [launch["at"] for launch in written["launches"]] == ["2026-09-01", "2026-09-01 09:30:00"]
    assert workload.keys.drift == 0.01
    assert workload.tenant_count == 2


def test_shares_may_miss_one_by_a_millionth() -> None:
    clients = [{**CLIENT, "share": share} for share in ("33.33333 %", "33.33333 %", "33.33333 %")]
    assert len(read({**MIX, "clients": clients}).clients) == 3


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../etc/passwd"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match="not a time zone"):
        read({"kind": "replay", "path": "a.csv", "timezone": zone, **COMMON})


def test_growth_passes_through_what_its_parameters_say() -> None:
    # given each kind of growth, when asked for its factor, then the numbers in its description hold
    at = np.array([0.0, 10 * DAY, 20 * DAY, 1e6 * DAY])
    assert growth_factor(NoGrowth(), at).tolist() == [1.0] * 4
    assert growth_factor(ExponentialGrowth(doubling_s=10 * DAY), at)[:3] == pytest.approx([1, 2, 4])
    logistic = growth_factor(LogisticGrowth(ceiling=8, midpoint_s=10 * DAY), at)
    assert logistic == pytest.approx([1, 4, 7, 8])
    points = (GrowthPoint(after_s=10 * DAY, factor=4), GrowthPoint(after_s=20 * DAY, factor=1))
    piecewise = growth_factor(PiecewiseGrowth(points=points), np.append(at, [5 * DAY, 15 * DAY]))
    assert piecewise == pytest.approx([1, 4, 1, 1, 2, 2])


def test_a_phase_may_change_what_a_request_is_like_but_not_when_requests_come() -> None:
    shape = {"kind", "rate", "rate_per_s", "resolution", "growth", "seasonality", "path", "interval", "timezone"}
    shape |= {"interarrival", "clients", "yearly", "holidays", "launches", "spikes", "keys", "tenants"}
    assert shape <= DEMAND_KEYS
    assert not DEMAND_KEYS & (set(Demand.model_fields) | {"timeout", "response", "log"})
