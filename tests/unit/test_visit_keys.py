"""Keys of a visit outside the kernels: unsigned whatever their first bit, so that either engine plays any seed."""

import numpy as np
import pytest

from sim import load, simulate
from sim.serving.discipline.calls import key_of_visit, visit
from sim.serving.discipline.service import LOGNORMAL, draw_service_ns

KEYS = [np.uint64(5), np.uint64(2**63 + 5)]


@pytest.mark.parametrize("key", KEYS)
def test_a_plain_request_draws_with_its_own_key_and_every_visit_with_an_unsigned_one(key):
    assert key_of_visit(key, visit(0, 0, 0, 0)) == key
    for copy in range(8):
        of_visit = key_of_visit(key, visit(0, 1, 2, copy))
        assert isinstance(of_visit, np.uint64)
        assert draw_service_ns(1e9, LOGNORMAL, 0.5, of_visit, 3, 1) > 0


@pytest.mark.parametrize("seed", [1, 6], ids=["first bit set", "first bit clear"])
def test_a_seed_is_played_alike_by_both_engines_whatever_its_keys(seed):
    logs = [
        simulate(
            load(
                "azure_llm", "workload=poisson", "autoscaler=fixed", "phases=production", seed=seed, engine=engine,
                start="2026-01-01", horizon="30 s", record={"interval": "30 s", "requests": "all"},
                workload={"rate": "1 req/s", "growth": {"kind": "none"}, "seasonality": {"kind": "flat"}},
            )
        ).requests
        for engine in ("exact", "reference")
    ]  # fmt: skip

    assert len(logs[0])
    assert logs[0].equals(logs[1])
