"""The `behavior` of Kubernetes's HorizontalPodAutoscaler: windows, rates, and what there was before them."""

from sim.policy.autoscaling.hpa_behaviour import (
    Changes,
    Log,
    Rate,
    Rates,
    Windows,
    change_in_period,
    legacy_limit,
    legacy_stabilise,
    limit_down,
    limit_up,
    remember,
    scale_down_limit,
    scale_up_limit,
    stabilise,
    store_event,
)
from tests.conformance.cases import NOW, Adapter, Case, S


def check_legacy_rate(case: Case, document: Case) -> None:
    # the upstream test binary allows a factor of 8, the controller one of 2
    got = legacy_limit(
        case["current_replicas"], case["desired_replicas"], case["min_replicas"], case["max_replicas"], factor=8.0
    )
    assert got == (case["expected_replicas"], case["expected_reason"])


def check_legacy_stabilisation(case: Case, document: Case) -> None:
    window_ns, desired = case["window_s"] * S, case["desired_replicas"]
    log = _log(case["recommendations"], "replicas")
    assert legacy_stabilise(desired, log, window_ns, NOW) == case["expected_stabilized"]
    # upstream overwrites the last obsolete slot and keeps the others; ours drops them all
    obsolete = sum(r["age_s"] > case["window_s"] for r in case["recommendations"])
    kept = remember(log, desired, Windows(0, window_ns), NOW)
    assert len(kept) + max(0, obsolete - 1) == case["expected_log_len"]


def check_rate(case: Case, document: Case) -> None:
    current, desired = case["current_replicas"], case["desired_replicas"]
    defaults = document["defaults"]
    changes = Changes(_log(case["scale_up_events"], "change"), _log(case["scale_down_events"], "change"))
    if desired > current:
        rates = _rates(case["scale_up_rules"] or defaults["scale_up_rules"])
        got = limit_up(current, desired, case["max_replicas"], changes, rates, NOW)
    elif desired < current:
        rates = _rates(case["scale_down_rules"] or defaults["scale_down_rules"])
        got = limit_down(current, desired, case["min_replicas"], changes, rates, NOW)
    else:
        got = desired, "DesiredWithinRange"
    assert got == (case["expected_replicas"], case["expected_reason"])


def check_limit(case: Case, document: Case) -> None:
    limit = scale_up_limit if case["direction"] == "up" else scale_down_limit
    assert limit(case["current_replicas"], Changes((), ()), _rates(case["rules"]), NOW) == case["expected_limit"]


def check_stabilisation(case: Case, document: Case) -> None:
    up_s, down_s = case["scale_up_stabilization_s"], case["scale_down_stabilization_s"]
    windows, desired = Windows(up_s * S, down_s * S), case["desired_replicas"]
    # oldest first, as our log is
    log = _log(sorted(case["recommendations"], key=lambda r: -r["age_s"]), "replicas")
    assert stabilise(case["current_replicas"], desired, log, windows, NOW) == case["expected_stabilized"]
    after = case["expected_recommendations_after"]
    if after is not None:
        # upstream keeps obsolete slots and overwrites the last; ours drops them: compare what a window can still read
        obsolete = [i for i, r in enumerate(case["recommendations"]) if r["age_s"] > max(up_s, down_s)]
        readable = [replicas for i, replicas in enumerate(after) if i not in obsolete[:-1]]
        assert {replicas for replicas, _ in remember(log, desired, windows, NOW)} == set(readable)


def check_store_event(case: Case, document: Case) -> None:
    rates = _rates(case["rules"]) if case["rules"] else Rates("max", ())
    log = _log(case["prior_events"], "change")
    assert change_in_period(log, case["query_period_s"] * S, NOW) == case["expected_change_in_period"]
    stored = store_event(log, case["replica_change"], rates, NOW)
    got = [{"change": change, "outdated": at_ns < NOW - rates.longest_ns} for change, at_ns in stored]
    assert got == case["expected_events_after"]


def _log(entries: list[Case], value: str) -> Log:
    return tuple((e[value], NOW - e["age_s"] * S) for e in entries)


def _rates(rules: Case) -> Rates:
    policies = tuple(Rate(p["type"] == "Percent", p["value"], p["period_s"] * S) for p in rules["policies"])
    return Rates(rules["select"].lower(), policies)


ADAPTERS: dict[tuple[str, str], Adapter] = {
    ("k8s_hpa_behavior", "legacy_rate_cases"): check_legacy_rate,
    ("k8s_hpa_behavior", "legacy_stabilization_cases"): check_legacy_stabilisation,
    ("k8s_hpa_behavior", "rate_cases"): check_rate,
    ("k8s_hpa_behavior", "limit_cases"): check_limit,
    ("k8s_hpa_behavior", "stabilization_cases"): check_stabilisation,
    ("k8s_hpa_behavior", "store_event_cases"): check_store_event,
}
