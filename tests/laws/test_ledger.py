"""Laws of money: sums are exact to the nano-dollar, and no way of cutting time or volume moves them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.cost.accrual import TieredMeter, machine_lines
from sim.cost.ledger import NATURES, Ledger
from sim.cost.money import product_nano
from sim.cost.prices import Tier, TieredPrice

AMOUNT = st.floats(0, 1e4)
LINES = st.lists(
    st.tuples(
        st.sampled_from(NATURES), st.sampled_from(["serving.api", "network.egress", "people.engineer"]),
        st.sampled_from(["poc", "mvp"]), AMOUNT, AMOUNT,
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(lines=LINES)
def test_totals_are_the_sums_of_the_lines_to_the_nano_dollar(lines: list) -> None:
    ledger = Ledger()
    for nature, account, phase, quantity, price in lines:
        ledger.post(0.0, account, nature, quantity, "unit", price, phase)
    frame = ledger.frame()
    assert ledger.total_nano() == sum(frame["amount_nano_usd"].tolist())
    assert sum(ledger.total_nano(nature) for nature in NATURES) == ledger.total_nano()
    assert sum(ledger.total_nano(phase=phase) for phase in ("poc", "mvp")) == ledger.total_nano()
    assert sum(ledger.total_nano(account=a) for a in ("serving", "network", "people")) == ledger.total_nano()
    for quantity, price, nano in zip(frame["quantity"], frame["unit_price_usd"], frame["amount_nano_usd"]):
        assert product_nano(quantity, price) == nano


@settings(max_examples=100, deadline=None)
@given(
    ends=st.lists(st.integers(1, 10**15), min_size=0, max_size=4, unique=True).map(sorted),
    prices=st.lists(st.floats(0, 10), min_size=5, max_size=5),
    free=st.integers(0, 10**14),
    volumes=st.lists(st.integers(0, 10**14), min_size=1, max_size=31),
)
def test_the_charges_of_a_month_add_up_to_its_bill_however_it_is_cut(
    ends: list[int], prices: list[float], free: int, volumes: list[int]
) -> None:
    tiers = [Tier(up_to_bytes=end, price_usd_per_gb=price) for end, price in zip([*ends, None], prices)]
    price = TieredPrice(free_bytes=free, tiers=tuple(tiers))
    meter = TieredMeter(price)
    charges = [meter.accrue(volume).amount_nano for volume in volumes]
    assert sum(charges) == price.bill_nano(sum(volumes))
    assert min(charges) >= 0


@settings(max_examples=100, deadline=None)
@given(billed_s=st.floats(0, 1e7), share=st.floats(0, 1), price=st.floats(0, 100))
def test_busy_and_idle_add_up_to_the_billed_machine_time(billed_s: float, share: float, price: float) -> None:
    ledger = Ledger()
    machine_lines(ledger, 1.0, billed_s, billed_s * share, price, "scale")
    assert ledger.total_nano() == product_nano(billed_s / 3600, price)
    assert ledger.total_nano(account="serving.machine.idle") >= 0
    assert ledger.total_nano(account="serving.machine.busy") >= 0
