"""A user's own disciplines: who is served, what wrong answers and names come to, and where functions are found."""

import re
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.serving.batching import NoBatching
from sim.serving.own import OwnDiscipline
from sim.serving.reference import ReferencePlane
from sim.serving.reference_own import Disciplines
from sim.serving.rows import pool_row
from sim.serving.services import LinearService
from sim.serving.steering import Steering, Traffic
from sim.serving.waiting import Queue
from sim.streams import Streams

DOCUMENT = Path(__file__).parents[2] / "docs" / "request-path.md"
SHORT = ("document_assistant", "phases=production", "learning=none", "horizon=1 h", "engine=reference")
ROUTED, ORDERED = "pool.routing={kind: own, name: mine}", "pool.queue.order={kind: own, name: mine}"
SERVICE = LinearService(
    base_s=0.0, per_item_s=1e-6, distribution="constant", cv=0.0, hardware="test", source="test"
)  # fmt: skip


def served(order, arrival_ns, timeout_ns=10**9, replicas=1, router=None):
    """(request, start) in the order of service of one pool, whose services take 1000 ns."""
    clock, streams = Clock(), Streams(1)
    queue = Queue(capacity=9, order=OwnDiscipline(name="order") if order else None)
    routing = OwnDiscipline(name="router") if router else "shared_queue"
    row = pool_row(SERVICE, NoBatching(), queue, routing, 4)
    traffic = [Traffic(streams.key("exposure/a"), streams.key("service/a"))]
    functions = {"order": order, "router": router}
    plane = ReferencePlane(clock, [row], traffic, log=True, own=Disciplines(functions, ["a"]))
    plane.steer(0, Steering(0, 1.0, timeout_ns, 1000))
    for slot in range(replicas):
        plane.ready(slot)
    plane.offer(0, 0, np.array(arrival_ns, np.int64), None, None)
    clock.play(plane.advance, clock.at(10**6, Rank.REVIEW))
    log = plane.take_log()
    return sorted((int(r["start_ns"]), int(r["request"]), int(r["slot"])) for r in log if r["start_ns"] >= 0)


def test_who_is_served_next_is_whom_the_function_says():
    arrivals = [0, 100, 200, 300]

    first_come = served(None, arrivals)
    last_come = served(lambda waiting, now_ns: len(waiting) - 1, arrivals)

    assert [request for _, request, _ in first_come] == [0, 1, 2, 3]
    assert [(start, request) for start, request, _ in last_come] == [(0, 0), (1000, 3), (2000, 2), (3000, 1)]


def test_who_has_given_up_is_seen_and_dropped_where_it_is_chosen():
    seen = []

    def oldest(waiting, now_ns):
        seen.append([(r.request, r.given_up) for r in waiting])
        return 0

    starts = served(oldest, [0, 100, 600], timeout_ns=700)

    assert [request for _, request, _ in starts] == [0, 2]
    assert [(1, True), (2, False)] in seen


def test_a_request_goes_where_the_function_says():
    last = served(None, [0, 0, 0], replicas=3, router=lambda asking, replicas: replicas[-1].replica)
    turns = served(None, [0, 0, 0], replicas=3, router=lambda asking, replicas: (asking.turn + 1) % 3)

    assert [slot for _, _, slot in last] == [2, 2, 2]
    assert sorted((request, slot) for _, request, slot in turns) == [(0, 1), (1, 2), (2, 0)]


@pytest.mark.parametrize("answer", [-1, 3, None, True, 1.0, "0"])
def test_a_wrong_answer_of_a_router_ends_the_run(answer):
    with pytest.raises(sim.RunError, match=r"discipline router answered .*not the replica of one that is ready: 0, 1"):
        served(None, [0], replicas=2, router=lambda asking, replicas: answer)


@pytest.mark.parametrize("answer", [-1, 1, None])
def test_a_wrong_answer_of_an_order_ends_the_run(answer):
    with pytest.raises(sim.RunError, match=r"discipline order answered .*not the place of one that waits: 0"):
        served(lambda waiting, now_ns: answer, [0])


def test_a_function_that_fails_ends_the_run_and_is_named():
    with pytest.raises(sim.RunError, match=r"discipline router failed: ZeroDivisionError"):
        served(None, [0], router=lambda asking, replicas: 1 // 0)


def test_a_whole_run_with_a_copy_is_the_compiled_run():
    def fewest(asking, replicas):
        return min(replicas, key=lambda r: (r.outstanding, r.replica)).replica

    own = sim.simulate(sim.load(*SHORT, ROUTED, "record.requests=all"), disciplines={"mine": fewest})
    compiled = sim.simulate(sim.load(*SHORT, "engine=exact", "record.requests=all"))

    assert own.totals == compiled.totals
    assert own.requests.equals(compiled.requests)
    assert own.ledger.equals(compiled.ledger)


def test_the_example_in_the_document_runs():
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    found = {}

    exec(example, found)

    totals = found["run"].totals
    assert totals["completed"] > 0
    assert totals["offered"] == sum(totals[name] for name in (
        "hit", "completed", "throttled", "rejected", "timed_out", "in_system"
    ))  # fmt: skip


def install(folder, monkeypatch, code, points="mine = my_disciplines:mine"):
    """Make an installed package with entry points, as far as Python can tell."""
    info = folder / "my_disciplines-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-disciplines\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[poc2scale.disciplines]\n{points}\n")
    (folder / "my_disciplines.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(__import__("sys").modules, "my_disciplines", raising=False)


def test_a_registered_function_needs_no_handing_over(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "def mine(waiting, now_ns):\n    return len(waiting) - 1\n")

    run = sim.simulate(sim.load(*SHORT, ORDERED))

    assert run.totals["completed"] > 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 / 0", "the entry point my_disciplines:mine fails: ZeroDivisionError"),
        ("mine = 3", "of type int, not a func"),
    ],
)
def test_a_registered_function_that_is_none_is_refused(code, said, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, code)

    with pytest.raises(sim.InputError, match=said):
        sim.simulate(sim.load(*SHORT, ORDERED))


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(sim.InputError, match=r"pool.queue.order.name: mine: no such discipline. Did you mean mina\?"):
        sim.simulate(sim.load(*SHORT, ORDERED), disciplines={"mina": max})


def test_a_scenario_that_was_changed_in_python_is_refused_too():
    changed = sim.load(*SHORT, ORDERED).model_copy(update={"engine": "exact"})

    with pytest.raises(sim.InputError, match="Type engine=reference"):
        sim.simulate(changed, disciplines={"mine": max})
