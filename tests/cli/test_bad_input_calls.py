"""Wrong input about retries, hedges, stages and closed loops, as a user types it.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written.
"""

import pytest

from sim import cli, load
from sim.scenario import remarks
from tests.cli.refusals import assert_check_refuses, refused

STAGES, RETRY, LOOP = "workload.stages", "retry=exponential", "workload=closed_loop"
TWO = ["pools={small: {}, large: {}}", "workload.pool=large"]


def cascade(small="next: {large: 0.3}", large="", more=""):
    """What a user types for a small stage and a large one."""
    first, second = (f"pool: {pool}{', ' if more else ''}{more}" for pool, more in (("small", small), ("large", large)))
    return [*TWO, f"{STAGES}={{small: {{{first}}}, large: {{{second}}}{more}}}"]


# (what is typed, how the line that names it begins, words that the line must say)
WRONG_STAGES = {
    "a cycle": (
        cascade(large="next: {small: 1}"), f"{STAGES}.small.next: the stages go round: small -> large -> small",
        ["must come to an end", "take one step out"],
    ),
    "a cascade to itself": (
        cascade(small="next: {small: 0.3}"), f"{STAGES}.small.next.small: 0.3: small leads back to itself",
        ["Type another stage, or leave it out"],
    ),
    "an unknown stage": (
        cascade(small="next: {lagre: 0.3}"), f"{STAGES}.small.next.lagre: 0.3: no such stage", ["Stages: small, large"],
    ),
    "shares over one": (
        cascade(small="next: {large: 0.7, other: 50 %}", more=", other: {pool: large}"),
        f"{STAGES}.small.next: shares add up to 1.2, over 1", ["Type shares of at most 1"],
    ),
    "a share over one": (cascade(small="next: {large: 130 %}"), f"{STAGES}.small.next.large: 130 %", ["at most 100 %"]),
    "a share of nobody": (
        cascade(small="next: {large: 0}"), f"{STAGES}.small.next: a share of 0",
        ["Leave that stage out, or type a share above 0"],
    ),
    "a stage that nobody reaches": (
        cascade(small=""), f"{STAGES}.large: no request comes here",
        ["begins at small", "Name large in a stage's next"],
    ),
    "an unknown pool": (
        [*TWO, f"{STAGES}={{small: {{pool: smal}}}}"], f"{STAGES}.small.pool: smal: no such pool",
        ["Did you mean small?", "Pools: small, large"],
    ),
    "the own pool on none of the stages": (
        [*TWO, f"{STAGES}={{small: {{pool: small}}}}"], "workload.pool: large: on none of its stages",
        ["requests pass small", "whose model gives the answer"],
    ),
    "no parts": ([f"{STAGES}={{a: {{fan_out: 0}}}}"], f"{STAGES}.a.fan_out: 0", ["at least 1"]),
    "too many parts": ([f"{STAGES}={{a: {{fan_out: 5000}}}}"], f"{STAGES}.a.fan_out: 5000", ["at most 4,096"]),
    "a hedge at once": (
        [f"{STAGES}={{a: {{hedge: {{after: 0 s}}}}}}"], f"{STAGES}.a.hedge.after: 0 s", ["more than 0"],
    ),
    "a hedge without a unit": (
        [f"{STAGES}={{a: {{hedge: {{after: 2}}}}}}"], f"{STAGES}.a.hedge.after: 2", ["without a unit", "90 s"],
    ),
    "a hedge without a time": ([f"{STAGES}={{a: {{hedge: {{}}}}}}"], f"{STAGES}.a.hedge.after: missing", ["90 s"]),
    "a hedge after the timeout": (
        [f"{STAGES}={{a: {{hedge: {{after: 120 s}}}}}}"],
        f"{STAGES}.a.hedge.after: 2 min: not before the timeout of 2 min", ["Type a shorter time", "leave hedge out"],
    ),
    "a misspelt key": (
        [f"{STAGES}={{a: {{fanout: 2}}}}"], f"{STAGES}.a.fanout", ["Did you mean workload.stages.a.fan_out?"],
    ),
    "stages in a list": ([f"{STAGES}=[a, b]"], f"{STAGES}: not a group of keys", ["Expected keys"]),
    "a name that is none": ([f"{STAGES}={{a b: {{}}}}"], f"{STAGES}.a b", ["not a name", "such as gpu_pool"]),
    "too many stages": (
        [f"{STAGES}={{{', '.join(f's{i}: {{}}' for i in range(20))}}}"], f"{STAGES}: 20 stages", ["Up to 15"],
    ),
    "a timeout below the shortest way": (
        [*cascade(small="next: {large: 1}"), "phases=production", "workload.timeout=3 s"], "workload.timeout: 3 s",
        ["fastest service on the shortest way through its stages, 4.254 s", "Type a longer timeout"],
    ),
    "a phase's stage that is not there": (
        [f"phases.scale.override.{STAGES}={{a: {{next: {{b: 1}}}}}}"],
        f"phases.scale.override.{STAGES}.a.next.b: 1: no such stage", ["Stages: a"],
    ),
    "patience on the way": (
        [f"{STAGES}={{a: {{}}}}", "workload.patience={kind: constant, mean: 5 s}"], "workload.patience.kind: constant",
        ["requests with stages have no patience but their timeout", "{kind: none}"],
    ),
    "affinity to nothing on the way": (
        [*cascade(), "pools.small.routing=affinity", "workload.keys={kind: unique}"], "pools.small.routing.by: content",
        ["every request asks for something else"],
    ),
    "zones on the way": (
        [*cascade(), "pools.small.zones={names: [a, b]}"], "pools.small.zones: requests of main pass this pool",
        ["with stages", "Type pool.zones=null"],
    ),
    "zones behind the way": (
        ["pools={main: {}, spare: {zones: {names: [a, b]}}}", "pools.main.queue.overflow=spare", RETRY],
        "pools.spare.zones: requests of main pass this pool", ["with retry"],
    ),
}  # fmt: skip
WRONG_RETRIES = {
    "a budget over one": ([RETRY, "retry.budget=150 %"], "retry.budget: 150 %", ["at most 100 %"]),
    "after nothing": ([RETRY, "retry.after=[]"], "retry.after: empty", ["throttled, rejected, timed_out", "none"]),
    "after what never happens": (
        [RETRY, "retry.after=[lost]"], "retry.after.0: lost", ["Allowed: throttled, rejected, timed_out or failed"],
    ),
    "after the same twice": (
        [RETRY, "retry.after=[rejected,rejected]"], "retry.after: names an outcome twice", ["Type each once"],
    ),
    "after throttling, with no limit": (
        [RETRY, "retry.after=[throttled]", "admission=none"], "retry.after: only throttled",
        ["no rate limit", "[rejected, timed_out]", "admission=token_bucket"],
    ),
    "one attempt": ([RETRY, "retry.max_attempts=1"], "retry.max_attempts: 1", ["at least 2"]),
    "attempts without end": ([RETRY, "retry.max_attempts=1000"], "retry.max_attempts: 1000", ["at most 255"]),
    "no wait": ([RETRY, "retry.base_delay=0 s"], "retry.base_delay: 0 s", ["more than 0"]),
    "a longest wait below the first": (
        [RETRY, "retry.max_delay=100 ms"], "retry.max_delay: 100 ms: shorter than base_delay, 200 ms",
        ["Type that or longer"],
    ),
    "a wait to the end": (
        [RETRY, "retry.base_delay=4 d", "retry.max_delay=5 d", "phases=production", "learning=none", "horizon=3 d"],
        "retry.base_delay: 4 d: not shorter than the scenario, 3 d", ["Type a shorter one"],
    ),
    "waits that shrink": ([RETRY, "retry.multiplier=0.5"], "retry.multiplier: 0.5", ["1 (always the same wait) to 10"]),
    "half a jitter": ([RETRY, "retry.jitter=half"], "retry.jitter: half", ["Allowed: full or none"]),
    "nothing to save up": ([RETRY, "retry.saved=0"], "retry.saved: 0", ["at least 1"]),
    "an option that is none": (["retry=linear"], "retry: linear: no such option", ["Choices: exponential, none"]),
    "a kind that is none": (["retry.kind=exponentail"], "retry.kind: exponentail", ["Did you mean exponential?"]),
    "patience beside retries": (
        [RETRY, "workload.patience={kind: exponential, mean: 5 s}"], "workload.patience.kind: exponential",
        ["requests with retry have no patience"],
    ),
    "an own cache in each replica": (
        [RETRY, "cache=lru", "cache.scope=replica"], "cache.scope: replica: requests with retry ask one cache",
        ["before they go anywhere", "Type scope: shared"],
    ),
    "a phase's retries": (
        [RETRY, "phases.scale.override.retry.max_delay=50 ms"],
        "phases.scale.override.retry.max_delay: 50 ms: shorter than base_delay", ["200 ms"],
    ),
}  # fmt: skip
WRONG_LOOPS = {
    "no users": ([LOOP, "workload.users=0"], "workload.users: 0", ["at least 1"]),
    "users beyond count": ([LOOP, "workload.users=2000000"], "workload.users: 2000000", ["at most 1,000,000"]),
    "thinking back": ([LOOP, "workload.think.mean=-1 s"], "workload.think.mean: -1 s", ["at least 0"]),
    "thinking without a unit": (
        [LOOP, "workload.think.mean=30"], "workload.think.mean: 30", ["without a unit", "90 s"],
    ),
    "thinking by another law": (
        [LOOP, "workload.think.distribution=gamma"], "workload.think.distribution: gamma",
        ["Allowed: constant or exponential"],
    ),
    "contents": (
        [LOOP, "workload.keys={kind: zipf}"], "workload.keys: users of a closed loop ask for something else each time",
        ["{kind: unique}"],
    ),
    "tenants": (
        [LOOP, "workload.tenants.count=20"], "workload.tenants: users of a closed loop are one tenant", ["count: 1"],
    ),
    "a rate": ([LOOP, "workload.rate=3 req/s"], "workload.rate", ["unknown key", "users, think"]),
    "more users in a phase": (
        [LOOP, "phases.scale.override.workload.users=3"], "phases.scale.override.workload.users",
        ["cannot change demand", "exposure"],
    ),
    "turned away and back at once": (
        [LOOP, "workload.think.mean=0 s"], "workload.think.mean: 0 s: a user whom the rate limit turns away",
        ["at least 1 ms", "admission=none"],
    ),
    "a full queue and back at once": (
        [LOOP, "workload.think.mean=10 us", "admission=none", "workload.users=100000"],
        "workload.think.mean: 10 us: a user whom the full queue of pool main",
        ["at least 1 ms", "pools.main.queue.capacity=100000"],
    ),
    "patience of users": (
        [LOOP, "workload.patience={kind: constant, mean: 5 s}"], "workload.patience.kind: constant",
        ["requests with kind: closed_loop"],
    ),
    "more traffic than users can make": (
        [LOOP, "phases.production.gate.all=[{kind: traffic, at_least: 9 req/s}]"],
        "phases.production.gate.all.0.at_least: 9 req/s: beyond all demand", ["0.25 req/s at most", "Type less"],
    ),
}  # fmt: skip
SAID = WRONG_STAGES | WRONG_RETRIES | WRONG_LOOPS


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_wrong_calls_are_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


def test_a_closed_loop_has_no_traffic_to_double(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    (line,) = refused(capsys, tmp_path, cli.main(["run", "--scale-check", LOOP]))

    assert line.startswith("--scale-check: workload main is a closed loop")
    assert "workload.users" in line
    assert "workload=poisson" in line


RIGHT = {
    "a cascade": cascade(),
    "a fan-out that is hedged": [f"{STAGES}={{search: {{fan_out: 8, hedge: {{after: 6 s}}}}}}"],
    "a hedge just before the timeout": [f"{STAGES}={{a: {{hedge: {{after: 119.9 s}}}}}}"],
    "stages that meet again": [
        *TWO,
        f"{STAGES}={{a: {{pool: small, next: {{b: 0.5, c: 0.5}}}}, b: {{pool: small, next: {{d: 1}}}}, "
        "c: {pool: large, next: {d: 1}}, d: {pool: large}}",
    ],
    "retries": [RETRY, "retry.budget=100 %", "retry.after=[throttled]"],
    "waits that are always the same": [RETRY, "retry.max_delay=200 ms", "retry.multiplier=1", "retry.jitter=none"],
    "retries in a phase": ["phases.scale.override.retry={kind: exponential, max_attempts: 2, after: [rejected], "
                           "base_delay: 1 s, max_delay: 1 s, multiplier: 1, jitter: none, budget: 0.2, saved: 5}"],
    "a closed loop": [LOOP],
    "users who do not think": [LOOP, "workload.think.mean=0 s", "admission=none"],
    "a closed loop with stages and retries": [LOOP, RETRY, f"{STAGES}={{a: {{fan_out: 2}}}}"],
}  # fmt: skip


@pytest.mark.parametrize("typed", RIGHT.values(), ids=RIGHT.keys())
def test_what_a_user_may_type_about_calls_is_taken(typed, capsys):
    assert cli.main(["check", *typed]) == 0, capsys.readouterr().err


QUIET = ["phases=production", "admission=none", "cache=none"]
SURPRISES = {
    "more parts than replicas": (
        [*QUIET, f"{STAGES}={{a: {{fan_out: 64}}}}"],
        "stage a splits a request into 64 parts, and pool main has at most 32 replicas",
    ),
    "a hedge to the same replica": (
        [*QUIET, f"{STAGES}={{a: {{hedge: {{after: 6 s}}}}}}", "autoscaler=fixed", "autoscaler.replicas=1"],
        "a hedge of stage a goes to the one replica that pool main has",
    ),
    "a share of nobody": (
        [LOOP, "admission=none", "cache=none", "workload.users=10"],
        "phase poc: an exposure of 2 % lets in none of the 10 users",
    ),
    "a rate limit for one": (
        [LOOP, "phases=production", "cache=none"],
        "the users of workload main are one customer to its rate limit, and 50 of them",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "said"), SURPRISES.values(), ids=SURPRISES.keys())
def test_what_may_surprise_is_remarked_on(typed, said):
    assert [remark for remark in remarks(load(*typed)) if said in remark], remarks(load(*typed))
