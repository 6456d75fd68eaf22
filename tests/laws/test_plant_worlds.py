"""Laws of whole runs on machines that fail and of pools that sleep: both engines tell the same story, row by row."""

import pytest

import sim

SHORT = ("document_assistant", "phases=production", "learning=none", "record.requests=all")
WORLDS = {
    "failing, spot and hurried machines": (
        "horizon=2 h", "workload.rate=2 req/s", "pool.failures={mtbf: 2 h, repair: 5 min}",
        "pool.spot={share: 50 %, interruptions_per_month: 400}", "pool.grace=5 s", "autoscaler.min_replicas=4",
    ),
    "one lost zone of two": (
        "horizon=2 h", "workload.rate=1 req/s", "autoscaler.min_replicas=4", "pool.zones={names: [a, b]}",
        "pool.failures={zone_losses: {at: [40 min], duration: 20 min, zone: a}}",
    ),
    "an outage while clients try again": (
        "horizon=2 h", "workload.rate=1 req/s", "autoscaler.min_replicas=4", "retry=exponential",
        "pool.failures={zone_losses: {at: [40 min], duration: 5 min}}",
    ),
    "a pool that sleeps": (
        "horizon=4 h", "workload.rate=0.002 req/s", "autoscaler=knative", "pool.routing=shared_queue",
        "pool.scrape.interval=2 s", "workload.timeout=10 min",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=WORLDS.values(), ids=WORLDS.keys())
def runs(request):
    return [sim.simulate(sim.load(*SHORT, *request.param, f"engine={engine}")) for engine in ("exact", "reference")]


def test_both_engines_tell_the_same_story(runs):
    exact, reference = (dict(run.frames()) for run in runs)
    assert exact.keys() == reference.keys()
    for name, frame in reference.items():
        assert exact[name].equals(frame), name


def test_each_request_ends_once_and_what_machines_took_with_them_failed(runs):
    exact = runs[0]
    ends = ("hit", "completed", "throttled", "rejected", "timed_out", "failed", "in_system")
    assert exact.totals["offered"] == sum(exact.totals[end] for end in ends)
    lost = exact.events[exact.events["kind"] == "replica_lost"]
    assert exact.totals["failed"] == 0 or len(lost) > 0
    assert (len(lost) > 0) == (exact.scenario.pools["main"].failures is not None)


def test_a_sleeping_pool_is_woken_at_the_instant_of_its_first_request():
    run = sim.simulate(sim.load(*SHORT, *WORLDS["a pool that sleeps"]))
    asleep = run.events[(run.events["kind"] == "scale") & (run.events["after"] == 0.0)]["at_s"].tolist()
    woken = run.events[(run.events["kind"] == "scale") & (run.events["before"] == 0.0)]["at_s"].tolist()
    assert len(woken) >= 3
    arrivals = run.requests["arrival_ns"].to_numpy() / 1e9
    for at_s, from_s in zip(woken, asleep, strict=False):
        assert at_s == pytest.approx(arrivals[arrivals > from_s].min(), abs=1e-9)
