"""Service times: mean time by batch size, the laws that spread around it, sizes of requests, a replica's first ones."""

import math

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from sim.clock.environment import Clock
from sim.clock.ranks import Rank
from sim.laws import largest_lognormal, lognormal_sigma, weibull_scale, weibull_shape
from sim.serving.batching import Batching
from sim.serving.discipline import service as discipline
from sim.serving.exact import ExactPlane
from sim.serving.kernels.state import LOG
from sim.serving.rows import pool_row
from sim.serving.services import BatchTime, LinearService, QuantileTime, Service, TableService, WarmUp, variation
from sim.serving.steering import Steering, Traffic
from sim.serving.waiting import Queue
from sim.streams import Purpose, Streams

TOLD = {"hardware": "test", "source": "test"}
TABLE = (BatchTime(batch=1, time_s=3.0), BatchTime(batch=4, time_s=6.0), BatchTime(batch=8, time_s=5.0))
DRAWS = 200_000
KEY = Streams(1).key("service/test")


def linear(**keys):
    return LinearService(**{"base_s": 2.0, "per_item_s": 1.0, **TOLD, **keys})


# --- mean time by batch size


def test_a_table_is_linear_between_the_batches_that_were_measured() -> None:
    table = TableService(points=TABLE, **TOLD)
    assert [table.mean_s(b) for b in range(1, 9)] == [3.0, 4.0, 5.0, 6.0, 5.75, 5.5, 5.25, 5.0]
    assert table.fastest_s() == 3.0
    assert table.largest_batch == 8


@pytest.mark.parametrize("batch", [0, 9])
def test_nothing_is_known_beyond_a_table(batch: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 8"):
        TableService(points=TABLE, **TOLD).mean_s(batch)


def test_a_pool_forms_no_batches_that_were_not_measured() -> None:
    with pytest.raises(ValueError, match="from 1 to 8"):
        pool_row(TableService(points=TABLE, **TOLD), Batching(max_batch_size=9), Queue(capacity=9), "shared_queue", 2)


def test_a_table_on_a_line_is_the_linear_service() -> None:
    table = TableService(points=tuple(BatchTime(batch=b, time_s=2.0 + b) for b in (1, 3, 16)), **TOLD)
    assert [table.mean_s(b) for b in range(1, 17)] == [linear().mean_s(b) for b in range(1, 17)]


# --- the laws


def factors(service, purpose=Purpose.SERVICE):
    """Random factors of a service, one a request."""
    row = pool_row(service, Batching(), Queue(capacity=1), "shared_queue", 1)
    times = [
        discipline.draw_varied_ns(1e12, 0, row.distribution, row.sigma, row.variation, 0, KEY, i, int(purpose))
        for i in range(DRAWS)
    ]
    return np.array(times) / 1e12


QUARTILES = tuple(QuantileTime(quantile=q, time_s=t) for q, t in ((0.0, 1.0), (0.5, 2.0), (1.0, 5.0)))


@pytest.mark.parametrize(
    ("law", "cv", "kurtosis"),
    [
        ({"distribution": "gamma", "cv": 0.3}, 0.3, 3 + 6 * 0.3**2),
        ({"distribution": "gamma", "cv": 2.0}, 2.0, 3 + 6 * 2.0**2),
        ({"distribution": "weibull", "cv": 0.5}, 0.5, None),
        ({"distribution": "weibull", "cv": 2.0}, 2.0, None),
        # from 1 to 2 and from 2 to 5 with probability 1/2 each: mean 2.5, second moment (7/3 + 13) / 2
        ({"distribution": "empirical", "quantiles": QUARTILES}, math.sqrt((7 / 3 + 13) / 2 / 2.5**2 - 1), None),
        # from 1 to 3 uniformly
        ({"distribution": "empirical", "times_s": (1.0, 3.0, 2.0)}, math.sqrt(1 / 3) / 2, None),
    ],
)
def test_a_law_has_mean_one_and_its_spread(law, cv, kurtosis) -> None:
    drawn = factors(linear(**law, warm_up=WarmUp(requests=1, factor=1)))
    error = cv / math.sqrt(DRAWS)
    assert abs(drawn.mean() - 1.0) < 3 * error
    centred = drawn - drawn.mean()
    fourth = kurtosis if kurtosis else float(np.mean(centred**4) / np.mean(centred**2) ** 2)
    assert abs(np.mean(centred**2) / cv**2 - 1.0) < 3 * math.sqrt((fourth - 1) / DRAWS)


def test_a_weibull_of_cv_one_is_exponential() -> None:
    shape = weibull_shape(1.0)
    assert shape == pytest.approx(1.0, abs=1e-12)
    assert weibull_scale(shape) == pytest.approx(1.0, abs=1e-12)


def test_measured_times_keep_their_quantiles() -> None:
    times = tuple(float(t) for t in np.random.default_rng(3).gamma(2.0, size=41))
    p, factor = linear(distribution="empirical", times_s=times).measured()
    points = np.array([0.0] * discipline.LAW + [len(p), *p, *factor])
    got = [discipline.quantile(u, points, discipline.LAW + 1, len(p)) for u in np.linspace(0.001, 0.999, 500)]
    exact = np.quantile(times, np.linspace(0.001, 0.999, 500))  # NumPy's default is Hyndman and Fan's type 7 as well
    scale = times[0] / factor[np.searchsorted(np.sort(times), times[0])]
    assert np.array(got) * scale == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(
    "law",
    [
        {"distribution": "gamma", "cv": 0.5}, {"distribution": "weibull", "cv": 0.5},
        {"distribution": "lognormal", "cv": 0.5}, {"distribution": "constant"},
        {"distribution": "empirical", "times_s": (1.0, 3.0)},
    ],
)  # fmt: skip
def test_the_fastest_service_is_faster_than_a_hundred_thousand_draws(law) -> None:
    service = linear(**law, size_cv=0.3)
    drawn = factors(service)[:100_000] * service.mean_s(1)
    assert 0.0 < service.fastest_s() <= drawn.min()


# --- sizes


def test_a_batch_takes_the_sum_of_sizes_or_its_number_of_the_largest() -> None:
    work = padded = 0.0
    for size in (0.5, 3.0, 1.0):
        work, padded = discipline.add_size(work, size, False), discipline.add_size(padded, size, True)
    assert discipline.sized_ns(10.0, 2.0, work, 3, False) == 19.0
    assert discipline.sized_ns(10.0, 2.0, padded, 3, True) == 28.0


@pytest.mark.parametrize("cv", [0.1, 0.5, 2.0, 10.0])
def test_the_mean_of_the_largest_of_two_sizes_is_known(cv: float) -> None:
    sigma = lognormal_sigma(cv)
    normal = 0.5 * math.erfc(-sigma / 2)  # of sigma / sqrt(2)
    assert largest_lognormal(1, sigma) == pytest.approx(1.0, rel=1e-10)
    assert largest_lognormal(2, sigma) == pytest.approx(2 * normal, rel=1e-10)


def test_the_mean_time_of_a_padded_batch_is_that_of_its_draws() -> None:
    service = linear(size_cv=0.8, padding=True)
    sigma, n = lognormal_sigma(0.8), 8
    sizes = [discipline.draw_item_size(KEY, i, sigma, int(Purpose.SIZE)) for i in range(DRAWS)]
    times = 2.0 + n * np.array(sizes).reshape(-1, n).max(axis=1)
    assert abs(times.mean() - service.mean_s(n)) < 3 * times.std() / math.sqrt(len(times))


# --- slow first requests


def served(service, arrivals, batch=1, again_ns=None):
    """Log of one replica's requests, which boots anew at `again_ns`."""
    clock = Clock()
    row = pool_row(service, Batching(max_batch_size=batch), Queue(capacity=99), "shared_queue", 1)
    plane = ExactPlane(clock, [row], [Traffic(Streams(1).key("exposure"), KEY)], log=True)
    plane.steer(0, Steering(0, 1.0, 10**15, 10**9))
    plane.ready(0)
    plane.offer(0, 0, np.array(arrivals, np.int64), None, None)
    if again_ns:
        clock.call_at(again_ns, Rank.SCALE_IN, lambda: plane.drain(0))
        clock.call_at(again_ns + 1, Rank.MACHINE_READY, lambda: plane.ready(0))
    clock.play(plane.advance, clock.at(10**15, Rank.REVIEW))
    log = plane.take_log()
    assert log.dtype == LOG
    return (log["end_ns"] - log["start_ns"]).tolist()


def test_the_first_requests_of_every_new_replica_are_slow() -> None:
    service = linear(base_s=0.0, per_item_s=1e-6, warm_up=WarmUp(requests=2, factor=5))
    assert served(service, [0, 10_000, 20_000, 30_000]) == [5000, 5000, 1000, 1000]
    again = served(service, [0, 10_000, 20_000, 30_000, 40_000, 50_000], again_ns=25_000)
    assert again == [5000, 5000, 1000, 5000, 5000, 1000]


def test_a_batch_that_begins_cold_is_slow_as_a_whole() -> None:
    service = linear(base_s=0.0, per_item_s=1e-6, warm_up=WarmUp(requests=2, factor=5))
    # one alone, then three that waited for it, then one more
    assert served(service, [0, 1, 2, 3, 30_000], batch=4) == [5000, 15_000, 15_000, 15_000, 1000]


# --- what needs no variation has none, and what is wrong is refused


@pytest.mark.parametrize("distribution", ["constant", "exponential", "lognormal"])
def test_a_plain_service_has_no_variation(distribution: str) -> None:
    assert len(variation(linear(distribution=distribution, cv=0.5 if distribution == "lognormal" else 0.0))) == 0


def test_a_service_that_says_no_kind_is_linear() -> None:
    read = TypeAdapter(Service).validate_python({"base_s": 1.0, "per_item_s": 0.0, **TOLD})
    assert isinstance(read, LinearService)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"distribution": "gamma"}, "gamma needs a cv above 0"),
        ({"distribution": "weibull", "cv": 0.001}, "at least 0.02"),
        ({"cv": 0.5}, "constant has none"),
        ({"times_s": (1.0, 2.0)}, "belong to distribution: empirical"),
        ({"distribution": "empirical"}, "two or more measured times"),
        ({"distribution": "empirical", "times_s": (0.0, 0.0)}, "every measured time is 0 s"),
        ({"distribution": "empirical", "times_s": (1.0, 2.0), "quantiles": QUARTILES}, "both times and quantiles"),
        ({"distribution": "empirical", "quantiles": QUARTILES[:2]}, "end with {quantile: 100 %"),
        ({"distribution": "empirical", "quantiles": QUARTILES[::2] + QUARTILES[1:]}, "quantile 0.5 after quantile 1"),
        ({"padding": True}, "all sizes are alike"),
        ({"size_cv": 0.5, "per_item_s": 0.0}, "changes nothing"),
        ({"base_s": 0.0, "per_item_s": 0.0}, "both zero"),
    ],
)
def test_nonsense_is_refused(keys, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        linear(**keys)


def test_a_report_says_what_a_service_time_is_made_of() -> None:
    from sim import load
    from sim.report.assumptions import service_words

    sized = ["pool.service.size_cv=0.5", "pool.service.padding=true", "pool.service.warm_up={requests: 20, factor: 4}"]
    words = service_words(load("document_assistant", *sized).pools["main"].service)
    assert "cv of sizes 0.5, padded to the largest" in words
    assert "first 20 of a new replica 4 times as long" in words
    words = service_words(load("image_moderation", "service=resnet50_t4_table").pools["main"].service)
    assert words == "3.00 ms for a request alone to 100 ms for 128, by table"
