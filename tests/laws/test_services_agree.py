"""Laws: the engines agree on every kind of service time, to the nanosecond, and looking ahead changes nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.serving.batching import Batching
from sim.serving.exact import ExactPlane
from sim.serving.reference import ReferencePlane
from sim.serving.rows import pool_row
from sim.serving.services import BatchTime, LinearService, QuantileTime, TableService, WarmUp
from sim.serving.waiting import Queue
from tests.laws.test_engines_agree import API_ROW, SLOTS, assert_alike, play, tick, world

LAWS = (
    {"distribution": "constant"},
    {"distribution": "constant"},
    {"distribution": "exponential"},
    {"distribution": "lognormal", "cv": 0.5},
    {"distribution": "gamma", "cv": 0.4},
    {"distribution": "gamma", "cv": 2.0},
    {"distribution": "weibull", "cv": 1.5},
    {"distribution": "empirical", "times_s": (3e-7, 1e-7, 2e-7, 2e-7)},
    {
        "distribution": "empirical",
        "quantiles": tuple(QuantileTime(quantile=q, time_s=t) for q, t in ((0.0, 1e-7), (0.5, 1e-7), (1.0, 6e-7))),
    },
)


@st.composite
def service(draw):
    """Any kind, in whole numbers of 100 ns, so that ties are frequent where nothing is random."""
    told = {"hardware": "test", "source": "test", **draw(st.sampled_from(LAWS))}
    if draw(st.booleans()):
        told["warm_up"] = WarmUp(requests=draw(st.integers(1, 6)), factor=draw(st.sampled_from([1.0, 1.5, 2.0, 7.0])))
    if draw(st.booleans()):
        times = draw(st.lists(st.integers(1, 9), min_size=3, max_size=3))
        points = [BatchTime(batch=b, time_s=t * 1e-7) for b, t in zip((1, 2, 4), times, strict=True)]
        return TableService(points=tuple(points), **told)
    if draw(st.booleans()):
        told |= {"size_cv": draw(st.sampled_from([0.3, 2.0])), "padding": draw(st.booleans())}
    base, item = draw(st.integers(0, 4)), draw(st.integers(1, 4))
    return LinearService(base_s=base * 1e-7, per_item_s=item * 1e-7, **told)


@st.composite
def varied(draw):
    """A world of two pools whose services are of any kind."""
    drawn = draw(world())
    pools = [
        pool_row(
            draw(service()),
            Batching(max_batch_size=draw(st.integers(1, 4)), max_queue_delay_s=draw(st.integers(0, 5)) * 1e-7),
            Queue(capacity=draw(st.integers(0, 6))),
            draw(st.sampled_from(["least_outstanding", "round_robin", "shared_queue"])),
            SLOTS,
        )
        for _ in range(2)
    ]
    return drawn | {"rows": [*pools, API_ROW]}


@settings(max_examples=60, deadline=None)
@given(varied())
def test_every_service_takes_the_same_time_in_both_engines(world):
    reference, exact = play(ReferencePlane, world), play(ExactPlane, world)
    assert_alike(reference, exact)


@settings(max_examples=60, deadline=None)
@given(varied(), st.lists(st.tuples(st.integers(2, 8), st.integers(0, 7)), min_size=1, max_size=40))
def test_looking_ahead_warms_no_replica_up(world, plan):
    assert tick(world, []) == tick(world, plan)
