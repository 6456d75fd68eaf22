"""Ways of hosting: the premium of a managed endpoint, commitments, covered machine time, and moving between them."""

from itertools import count, pairwise

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.clock.calendar import NS_PER_S, to_ns
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.cost.accrual import cache_line, machine_lines
from sim.cost.hosting import (
    Commitment,
    CommittedHosting,
    Hosting,
    ManagedHosting,
    Move,
    commitment_lines,
    premium_line,
    switching_line,
)
from sim.cost.ledger import Ledger
from sim.cost.money import product_nano
from sim.fleet.fleet import Fleet
from sim.fleet.parameters import Machine, Model
from sim.lifecycle.parameters import Phase
from sim.scenario.choices import conf_folder

DAY_S, HOUR_S = 86_400.0, 3600.0
YEAR_S = 365 * DAY_S


def terms(base=2, **changes):
    values = {"base_replicas": base, "discount": 0.41, "term_s": YEAR_S, "switching_usd": 0.0, "overlap_s": 0.0}
    return CommittedHosting(**values | changes)


def amounts(ledger):
    frame = ledger.frame()
    return frame.groupby("account")["amount_usd"].sum().to_dict() if len(frame) else {}


# --- machine time under a commitment


def test_covered_hours_cost_nothing_here_and_the_rest_splits_as_all_machines_do():
    # given ten machine hours, half of them busy, four of them covered
    ledger = Ledger()
    machine_lines(ledger, DAY_S, 10 * HOUR_S, 5 * HOUR_S, 2.0, "scale", covered_s=4 * HOUR_S)
    rows = ledger.frame()[["account", "quantity", "unit_price_usd", "amount_usd"]].values.tolist()
    assert rows == [
        ["serving.machine.busy", 3.0, 2.0, 6.0],
        ["serving.machine.idle", 3.0, 2.0, 6.0],
        ["serving.machine.covered_busy", 2.0, 0.0, 0.0],
        ["serving.machine.covered_idle", 2.0, 0.0, 0.0],
    ]


def test_all_covered_costs_nothing_and_still_tells_busy_from_idle():
    ledger = Ledger()
    machine_lines(ledger, DAY_S, HOUR_S, HOUR_S / 4, 2.0, "scale", covered_s=HOUR_S)
    assert ledger.frame()[["account", "quantity", "amount_usd"]].values.tolist() == [
        ["serving.machine.covered_busy", 0.25, 0.0],
        ["serving.machine.covered_idle", 0.75, 0.0],
    ]


@given(
    st.floats(0.0, 1e7), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 100.0, allow_subnormal=False)
)  # fmt: skip
def test_hours_add_up_to_the_billed_and_amounts_to_the_bill_of_what_is_not_covered(billed_s, busy, covered, price):
    ledger = Ledger()
    covered_s = billed_s * covered
    machine_lines(ledger, DAY_S, billed_s, billed_s * busy, price, "scale", covered_s=covered_s)
    hours = sum(ledger.frame()["quantity"])
    assert hours == pytest.approx(billed_s / HOUR_S, rel=1e-12)
    by_account = ledger.frame().groupby("account")["quantity"].sum()
    busy_h = sum(by_account.get(f"serving.machine.{part}", 0.0) for part in ("busy", "covered_busy"))
    covered_h = sum(by_account.get(f"serving.machine.covered_{part}", 0.0) for part in ("busy", "idle"))
    assert busy_h == pytest.approx(billed_s * busy / HOUR_S, rel=1e-12)
    assert covered_h == pytest.approx(covered_s / HOUR_S, rel=1e-12)
    assert ledger.total_nano() == product_nano((billed_s - covered_s) / HOUR_S, price)


def test_machines_cannot_be_covered_for_longer_than_they_are_billed():
    with pytest.raises(ValueError, match="covered for 11"):
        machine_lines(Ledger(), DAY_S, 10.0, 0.0, 1.0, "scale", covered_s=11.0)
    with pytest.raises(ValueError, match="covered for -1"):
        machine_lines(Ledger(), DAY_S, 10.0, 0.0, 1.0, "scale", covered_s=-1.0)


class Plane:
    """A data plane on which every replica is empty."""

    def ready(self, slot):
        """Nothing to do."""

    def drain(self, slot):
        return True


CHANGES = st.tuples(st.integers(0, 5_000), st.sampled_from(["scale", "cover"]), st.integers(0, 6))


@given(st.lists(CHANGES, min_size=1, max_size=12))
def test_covered_time_is_the_integral_of_the_lesser_of_replicas_and_base(changes):
    clock, alive, steps = Clock(), set(), []

    def note(kind, subject, detail, before, after):
        if kind == "replica_requested":
            alive.add(subject)
        elif kind == "replica_released":
            alive.discard(subject)
        steps.append((clock.now, len(alive), base[0]))

    machine = Machine(
        name="m", accelerator="none", price_usd_per_h=1.0, memory_bytes=1e9, provisioning_s=60.0,
        billing_increment_s=3600.0, billing_minimum_s=60.0, source="test",
    )  # fmt: skip
    fleet = Fleet(
        clock, Plane(), "main", 0, 12, machine, Model(name="x", memory_bytes=1e9, load_s=30.0), note, count(1)
    )
    base = [0]

    def change(what, number):
        if what == "scale":
            fleet.scale_to(number, "test")
        else:
            base[0] = number
            fleet.cover(number)
        steps.append((clock.now, len(alive), base[0]))

    for at_s, what, number in changes:
        clock.call_at(to_ns(at_s), Rank.CONTROL, lambda what=what, number=number: change(what, number))
    clock.play(lambda t, rank: True, clock.at(to_ns(6_000), Rank.REVIEW))
    # then, summed step by step
    steps.append((clock.now, 0, 0))
    brute = sum(min(n, b) * (later - at) for (at, n, b), (later, _, _) in pairwise(steps))
    assert fleet.covered_ns(clock.now) == brute
    assert fleet.covered_ns(clock.now) <= fleet.billed_ns(clock.now)


# --- commitments

DAY_NS = 86_400 * NS_PER_S
G6, H100 = "g6.xlarge", "p5.4xlarge"


def hours(commitment, from_ns, now_ns):
    return sum(time.hours for time in commitment.accrue(from_ns, now_ns))


def test_a_commitment_is_paid_to_the_end_of_its_term_though_its_phase_ends_before():
    c = Commitment()
    c.begin(10 * DAY_NS, terms(), G6, 1.0)
    c.end(100 * DAY_NS)
    assert c.replicas(9 * DAY_NS, G6) == 0
    assert c.replicas(200 * DAY_NS, G6) == 2
    assert c.ends_ns() == (375 * DAY_NS,)
    assert c.replicas(375 * DAY_NS, G6) == 0
    assert hours(c, 0, 1000 * DAY_NS) == 2 * 365 * 24


def test_past_its_term_it_goes_on_for_as_long_as_its_phase_lasts():
    c = Commitment()
    c.begin(0, terms(), G6, 1.0)
    assert c.replicas(500 * DAY_NS, G6) == 2
    assert c.ends_ns() == ()
    c.end(500 * DAY_NS)
    assert hours(c, 0, 1000 * DAY_NS) == 2 * 500 * 24


def test_a_larger_base_buys_what_is_missing_and_a_smaller_one_runs_out_what_is_too_much():
    c = Commitment()
    c.begin(0, terms(2), G6, 1.0)
    c.begin(100 * DAY_NS, terms(5, discount=0.5), G6, 2.0)  # at another price, for three more
    assert c.replicas(100 * DAY_NS, G6) == 5
    assert list(c.accrue(100 * DAY_NS, 101 * DAY_NS)) == [(48.0, G6, 0.59), (72.0, G6, 1.0)]
    c.begin(200 * DAY_NS, terms(1), G6, 1.0)
    assert c.replicas(300 * DAY_NS, G6) == 5
    assert c.replicas(400 * DAY_NS, G6) == 4  # of the first two, one is wanted still
    assert c.replicas(470 * DAY_NS, G6) == 1
    assert c.ends_ns() == (365 * DAY_NS, 465 * DAY_NS)


def test_the_same_base_again_is_no_new_contract():
    c = Commitment()
    c.begin(0, terms(3), G6, 1.0)
    c.begin(50 * DAY_NS, terms(3, discount=0.1), G6, 5.0)
    assert list(c.accrue(60 * DAY_NS, 61 * DAY_NS)) == [(72.0, G6, 0.59)]
    c.end(90 * DAY_NS)
    assert c.ends_ns() == (365 * DAY_NS,)


def test_one_that_still_runs_is_taken_up_again_and_one_that_is_over_is_not():
    c = Commitment()
    c.begin(0, terms(2), G6, 1.0)
    c.end(10 * DAY_NS)
    c.begin(300 * DAY_NS, terms(2), G6, 3.0)
    assert list(c.accrue(300 * DAY_NS, 301 * DAY_NS)) == [(48.0, G6, 0.59)]
    c.end(310 * DAY_NS)
    c.begin(400 * DAY_NS, terms(2), G6, 3.0)
    assert list(c.accrue(400 * DAY_NS, 401 * DAY_NS)) == [(48.0, G6, 1.77)]


def test_another_machine_is_another_contract_and_the_old_one_runs_out_its_term():
    c = Commitment()
    c.begin(0, terms(2), G6, 1.0)
    c.begin(100 * DAY_NS, terms(2), H100, 10.0)
    assert (c.replicas(200 * DAY_NS, G6), c.replicas(200 * DAY_NS, H100)) == (2, 2)
    assert list(c.accrue(200 * DAY_NS, 201 * DAY_NS)) == [(48.0, G6, 0.59), (48.0, H100, 5.9)]
    assert c.replicas(365 * DAY_NS, G6) == 0
    assert c.ends_ns() == (365 * DAY_NS,)


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 6), st.sampled_from([G6, H100])), max_size=8).map(sorted),
    st.lists(st.integers(0, 1500), min_size=1, max_size=10).map(sorted),
)
def test_what_is_paid_is_the_integral_of_what_is_covered_however_time_is_cut(changes, cuts):
    c, paid_h, brute_h = Commitment(), 0.0, 0.0
    for day in range(1500):
        for at, base, sku in changes:
            if at == day:
                c.begin(day * DAY_NS, terms(base), sku, 1.0) if base else c.end(day * DAY_NS)
        paid_h += hours(c, day * DAY_NS, (day + 1) * DAY_NS)
        noon = day * DAY_NS + DAY_NS // 2
        brute_h += sum(c.replicas(noon, sku) for sku in (G6, H100)) * 24
        wanted = [(base, sku) for at, base, sku in changes if at <= day][-1:]
        assert all(c.replicas(day * DAY_NS, sku) >= base for base, sku in wanted)
    assert paid_h == pytest.approx(brute_h)
    edges = [0, *cuts, 1500]
    last = max([at for at, _, _ in changes], default=0)  # contracts change no more
    whole = hours(c, last * DAY_NS, 1500 * DAY_NS)
    parts = sum(hours(c, max(a, last) * DAY_NS, b * DAY_NS) for a, b in pairwise(edges) if b > last)
    assert parts == pytest.approx(whole)


def test_it_is_a_fixed_cost_used_or_not_that_names_its_machine():
    c, ledger = Commitment(), Ledger()
    c.begin(0, terms(), G6, 0.8048)
    commitment_lines(ledger, 0, DAY_NS, c, "scale", resource="main")
    frame = ledger.frame()
    assert frame[["at_s", "account", "nature", "quantity", "unit", "unit_price_usd", "sku"]].values.tolist() == [
        [DAY_S, "commitment", "fixed", 48.0, "h", 0.474832, G6]
    ]
    assert ledger.total_nano("fixed") == 22_791_936_000
    with pytest.raises(ValueError, match="cannot be paid"):
        list(c.accrue(1, 0))


# --- premium, moves, caches


def test_a_managed_premium_is_a_line_of_its_own_beside_the_machines():
    managed = ManagedHosting(premium=0.3, switching_usd=5000.0, overlap_s=DAY_S)
    ledger = Ledger()
    machine_lines(ledger, DAY_S, 48 * HOUR_S, 12 * HOUR_S, 0.8048, "mvp")
    premium_line(ledger, DAY_S, 48 * HOUR_S, 0.8048, managed, "mvp", resource="main")
    of = amounts(ledger)
    machines = of["serving.machine.busy"] + of["serving.machine.idle"]
    assert of["serving.managed_premium"] == pytest.approx(0.3 * machines, abs=1e-9)
    assert set(ledger.frame()["nature"]) == {"variable"}
    with pytest.raises(ValueError, match="no premium"):
        premium_line(ledger, DAY_S, -1.0, 1.0, managed, "mvp")


def test_moving_is_paid_once_and_a_free_move_leaves_no_line():
    ledger = Ledger()
    switching_line(ledger, 7.0, Move(switching_usd=20_000.0, overlap_s=0.0), "production", resource="main")
    switching_line(ledger, 8.0, Move(switching_usd=0.0, overlap_s=0.0), "scale")
    frame = ledger.frame()
    assert frame[["at_s", "account", "nature", "quantity", "amount_usd"]].values.tolist() == [
        [7.0, "switching", "fixed", 1.0, 20_000.0]
    ]


def test_a_cache_costs_its_memory_by_the_hour():
    ledger = Ledger()
    cache_line(ledger, DAY_S, DAY_S, 2.5, 0.125, "scale", workload="main")
    cache_line(ledger, DAY_S, 0.0, 2.5, 0.125, "scale")
    cache_line(ledger, DAY_S, DAY_S, 0.0, 0.125, "scale")
    frame = ledger.frame()
    assert frame[["account", "nature", "quantity", "unit", "amount_usd"]].values.tolist() == [
        ["cache", "variable", 60.0, "GB-h", 7.5]
    ]
    with pytest.raises(ValueError, match="cannot be billed"):
        cache_line(ledger, DAY_S, DAY_S, -1.0, 0.125, "scale")


# --- parameters


def default():
    return yaml.safe_load((conf_folder() / "hosting" / "default.yaml").read_text(encoding="utf-8"))


def test_the_default_has_terms_for_every_way_to_serve_a_phase():
    hosting = Hosting.model_validate(default(), context={"door": True})
    for mode in ("api", "managed", "pool", "committed"):
        Phase(exposure=1.0, serving=mode)
        assert hosting.move_to(mode) == getattr(hosting, mode)
    assert 0.25 <= hosting.managed.premium <= 0.40  # SageMaker over EC2
    assert hosting.committed.discount == 0.41


@pytest.mark.parametrize(
    ("mode", "changes", "message"),
    [
        ("managed", {"premium": "130 %"}, "at most 100 %"),
        ("managed", {"premium": "-1 %"}, "at least 0"),
        ("pool", {"switching": 20000}, "without a unit"),
        ("pool", {"overlap": "-1 d"}, "at least 0"),
        ("committed", {"base_replicas": 0}, "greater than or equal to 1"),
        ("committed", {"base_replicas": 10_001}, "less than or equal to 10000"),
        ("committed", {"discount": "100 %"}, "commitment for nothing"),
        ("committed", {"discount": 41}, "at most 100 %"),
        ("committed", {"term": "0 d"}, "more than 0"),
        ("api", {"premium": "3 %"}, "not permitted"),
    ],
)
def test_what_makes_no_sense_is_refused(mode, changes, message):
    tree = default()
    tree[mode] |= changes
    with pytest.raises(ValidationError, match=message):
        Hosting.model_validate(tree, context={"door": True})
