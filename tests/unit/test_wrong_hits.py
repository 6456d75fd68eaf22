"""Wrong hits of a semantic cache, charged: they earn nothing, count as lost, and are no right answers."""

import pandas as pd
import pytest

from sim.analysis import phase_summary
from sim.cost.ledger import Ledger
from sim.model.lines import value_lines
from sim.model.value import ValuePerRequest

SHOP = ValuePerRequest(usd=0.002)


def test_a_wrong_hit_earns_nothing_and_is_lost():
    ledger = Ledger()
    value_lines(ledger, 86_400.0, 1000, 0, 0, 0.8, 0.9, SHOP, "mvp", "main", wrong=100)

    sums = ledger.frame().groupby("account")["amount_nano_usd"].sum() / 1e9
    assert sums["value.answers"] == pytest.approx(900 * 0.8 * 0.002)
    assert sums["value.staleness"] == pytest.approx(900 * 0.1 * 0.002)
    assert sums["value.wrong_hits"] == pytest.approx(100 * 0.8 * 0.002)


def test_more_wrong_hits_than_answers_are_refused():
    with pytest.raises(ValueError, match="no value"):
        value_lines(Ledger(), 86_400.0, 10, 0, 0, 0.8, 0.9, SHOP, "mvp", "main", wrong=11)


def test_wrong_hits_lower_the_share_of_right_answers():
    window = {"start_s": 0.0, "end_s": 60.0, "workload": "main", "hit": 50, "completed": 50, "quality": 0.9}
    windows = pd.DataFrame([window | {"quality_seen": 0.9, "wrong_hit": 10}])

    right = phase_summary.quality(windows)
    assert right is not None
    assert right["mean"] == pytest.approx(0.9 * 90 / 100)


def test_losses_name_wrong_hits_only_where_there_were_some():
    assert "wrong_hits" not in phase_summary.losses(pd.DataFrame({"account": ["value.answers"]}))
    assert "wrong_hits" in phase_summary.losses(pd.DataFrame({"account": ["value.wrong_hits"]}))
