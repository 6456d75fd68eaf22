"""Accruals: what use turns into which lines, and when."""

import pytest

from sim.cost.accrual import (
    MONTH_S,
    ApiPrice,
    ApiUse,
    LogStorage,
    TieredMeter,
    api_lines,
    log_lines,
    machine_lines,
    volume_line,
)
from sim.cost.ledger import Ledger
from sim.cost.prices import LogPrice, Tier, TieredPrice
from sim.operations.staff import StaffRole, staff_lines

DAY_S = 86_400.0
GB = 10**9
EGRESS = TieredPrice(
    free_bytes=100e9,
    tiers=(Tier(up_to_bytes=10240e9, price_usd_per_gb=0.09), Tier(price_usd_per_gb=0.085)),
)
LOGS = LogPrice(
    ingest=TieredPrice(tiers=(Tier(price_usd_per_gb=0.5),)), storage_usd_per_gb_month=0.03, retention_s=MONTH_S
)


def _amounts(ledger: Ledger) -> dict[str, float]:
    return ledger.frame().groupby("account")["amount_usd"].sum().to_dict()


def test_a_new_month_begins_with_free_volume_again() -> None:
    meter = TieredMeter(EGRESS)
    assert [meter.accrue(volume).amount_nano for volume in (100 * GB, GB)] == [0, 90_000_000]
    meter.new_month()
    assert meter.accrue(100 * GB).amount_nano == 0


def test_a_price_change_charges_only_what_comes_after_it() -> None:
    meter = TieredMeter(EGRESS)
    meter.accrue(10340 * GB)
    meter.reprice(TieredPrice(tiers=(Tier(up_to_bytes=10340e9, price_usd_per_gb=1.0), Tier(price_usd_per_gb=0.5))))
    assert meter.accrue(2 * GB).amount_nano == 10**9


def test_a_volume_line_carries_its_average_price() -> None:
    ledger, meter = Ledger(), TieredMeter(EGRESS)
    volume_line(ledger, DAY_S, "network.egress", meter, 200 * GB, "mvp", workload="main")
    line = ledger.frame().iloc[0]
    assert (line["quantity"], line["unit"], line["amount_usd"]) == (200.0, "GB", 9.0)
    assert line["unit_price_usd"] == pytest.approx(0.045)


def test_nothing_used_leaves_no_line() -> None:
    ledger = Ledger()
    volume_line(ledger, DAY_S, "network.egress", TieredMeter(EGRESS), 0, "mvp")
    machine_lines(ledger, DAY_S, 0, 0, 0.8, "mvp")
    api_lines(ledger, DAY_S, ApiUse(0, 0, 0), ApiPrice(0.1, 0.1, 0.1), "mvp")
    log_lines(ledger, DAY_S, TieredMeter(LOGS.ingest), LogStorage(LOGS), 0, "mvp")
    staff_lines(ledger, DAY_S, DAY_S, {"engineer": StaffRole(fte=0, salary_usd_per_year=1e5)}, "mvp")
    assert len(ledger) == 0


def test_750_gb_of_logs_a_month_cost_375_to_take_in_and_22_50_to_keep() -> None:
    # In steady state 750 GB are held all month: CloudWatch's published example, 0.50 USD/GB in, 0.03 USD/GB/month.
    ledger, ingest, storage = Ledger(), TieredMeter(LOGS.ingest), LogStorage(LOGS)
    days = 30
    step_s = MONTH_S / days
    for day in range(1, 3 * days + 1):
        log_lines(ledger, day * step_s, ingest, storage, 25 * GB, "scale")
    last_month = ledger.frame()
    last_month = last_month[last_month["at_s"] > 2.0001 * MONTH_S]
    by_account = last_month.groupby("account")["amount_usd"].sum()
    assert by_account["observability.log_ingest"] == pytest.approx(375.0, abs=1e-6)
    assert by_account["observability.log_storage"] == pytest.approx(22.5, abs=1e-6)


def test_storage_is_the_same_however_time_is_cut() -> None:
    whole, cut = LogStorage(LOGS), LogStorage(LOGS)
    at_once = whole.accrue(10 * DAY_S, 100 * GB) + whole.accrue(60 * DAY_S, 0)
    in_steps = sum(cut.accrue((i + 1) * DAY_S, 10 * GB) for i in range(10))
    in_steps += sum(cut.accrue(day * DAY_S, 0) for day in range(11, 61))
    assert at_once == pytest.approx(100.0)  # every byte stays a month, then is gone
    assert in_steps == pytest.approx(at_once)
    assert whole.accrue(90 * DAY_S, 0) == 0.0


def test_storage_within_the_included_time_is_free() -> None:
    free = LogStorage(LOGS.model_copy(update={"included_s": MONTH_S}))
    half = LogStorage(LOGS.model_copy(update={"included_s": MONTH_S / 2}))
    for storage in (free, half):
        storage.accrue(DAY_S, 10 * GB)
    assert free.accrue(90 * DAY_S, 0) == 0.0
    assert half.accrue(90 * DAY_S, 0) == pytest.approx(5.0)


def test_storage_refuses_time_that_runs_backwards() -> None:
    storage = LogStorage(LOGS)
    storage.accrue(2 * DAY_S, GB)
    with pytest.raises(ValueError, match="cannot be accrued"):
        storage.accrue(DAY_S, GB)


def test_machine_time_splits_into_busy_and_idle_that_add_up_to_the_bill() -> None:
    ledger = Ledger()
    machine_lines(ledger, DAY_S, 3600.0, 900.0, 0.8048, "scale", workload="main", sku="g6.xlarge")
    assert _amounts(ledger) == {"serving.machine.busy": 0.2012, "serving.machine.idle": 0.6036}
    assert set(ledger.frame()["sku"]) == {"g6.xlarge"}


def test_a_machine_that_is_never_idle_has_no_idle_line() -> None:
    ledger = Ledger()
    machine_lines(ledger, DAY_S, 3600.0, 3600.0 + 1e-7, 1.0, "scale")
    assert ledger.frame()["account"].tolist() == ["serving.machine.busy"]


@pytest.mark.parametrize(("billed_s", "busy_s"), [(10.0, 11.0), (-1.0, 0.0), (10.0, -1.0), (float("nan"), 0.0)])
def test_a_machine_cannot_be_busier_than_billed(billed_s: float, busy_s: float) -> None:
    with pytest.raises(ValueError, match="busy for"):
        machine_lines(Ledger(), DAY_S, billed_s, busy_s, 1.0, "scale")


def test_api_fees_are_per_request_and_per_token() -> None:
    ledger = Ledger()
    api_lines(ledger, DAY_S, ApiUse(1000, 2e6, 5e5), ApiPrice(0.001, 0.15, 0.6), "poc", model="gpt-4o-mini", sku="mini")
    frame = ledger.frame()
    assert dict(zip(frame["sku"], frame["amount_usd"])) == {"mini.request": 1.0, "mini.prompt": 0.3, "mini.output": 0.3}
    assert set(frame["account"]) == {"serving.api"}


def test_a_free_part_of_an_api_has_no_line() -> None:
    ledger = Ledger()
    api_lines(ledger, DAY_S, ApiUse(1000, 2e6, 5e5), ApiPrice(0.0, 0.15, 0.6), "poc")
    assert ledger.frame()["sku"].tolist() == ["prompt", "output"]


def test_staff_is_a_fixed_cost_of_time() -> None:
    ledger = Ledger()
    staff = {
        "engineer": StaffRole(fte=2, salary_usd_per_year=182_625),
        "on_call": StaffRole(fte=0.5, salary_usd_per_year=36_525),
    }
    staff_lines(ledger, DAY_S, DAY_S, staff, "mvp")
    assert _amounts(ledger) == {"people.engineer": 1000.0, "people.on_call": 50.0}
    assert ledger.total_nano("fixed") == ledger.total_nano()


def test_staff_refuses_a_negative_span() -> None:
    with pytest.raises(ValueError, match="cannot be paid"):
        staff_lines(Ledger(), 0.0, -1.0, {}, "mvp")
