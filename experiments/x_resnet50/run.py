"""X-RESNET50: does the batch sweep of a GPU predict what many clients feel behind Triton's dynamic batcher?"""

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from experiments.data import measured
from experiments.judgement import Got
from experiments.settings import read
from experiments.x_resnet50.sweep import GPUS, Clients, Fit, Sweeps, fit, period_ms, read_sweeps
from experiments.x_resnet50.system import Felt, felt, system

if TYPE_CHECKING:
    from sim import Scenario
    from sim.report.canvas import Plot

HERE = Path(__file__).parent
WHAT = ("p50", "throughput", "p99")
Way = Callable[[Sweeps, int], float]  # of saying how long so many clients wait (ms)


class Miss(NamedTuple):
    """Predicted over measured, minus one, at this many clients."""

    clients: int
    p50: float
    throughput: float
    p99: float


def run(small: bool) -> dict[str, Got]:
    """Median relative errors of the prediction, over all rows and by GPU, and the periods of the steady state."""
    settings = read(HERE)
    own = settings.own
    sweeps = _sweeps(own)
    form = own["forms"]["small" if small else "full"]
    scenario = system(settings, form)
    misses = {gpu: missed(scenario, both, form) for gpu, both in sweeps.items()}
    everywhere = [miss for rows in misses.values() for miss in rows]
    got: dict[str, Got] = {f"median_error_{what}": _median(everywhere, what) for what in WHAT}
    for gpu, both in sweeps.items():
        got |= {f"median_error_{what}_{gpu}": _median(misses[gpu], what) for what in WHAT}
        steady = fit(both.batches)._replace(cv=0.0)
        got[f"period_ms_{gpu}"] = felt(scenario, steady, own["steady"], form).mean_ms
    return got | sensitivity(sweeps, settings.values["pools"]["model"]["batching"]["max_batch_size"], own["known"])


def missed(scenario: "Scenario", both: Sweeps, form: Mapping[str, float]) -> list[Miss]:
    """How far the prediction of each row of the concurrency sweep is off."""
    fitted = fit(both.batches)
    return [_miss(row, felt(scenario, fitted, row.number, form)) for row in both.clients]


def sensitivity(sweeps: Mapping[str, Sweeps], max_batch_size: int, known: int) -> dict[str, float]:
    """Median error of the throughput by the closed form under other choices.

    serial: nothing overlaps; up_to_...: fitted to the smaller batches alone; with_one_row: each GPU's share of the
    server taken from its row of `known` clients, and the other rows judged.
    """
    sizes = [batch.size for batch in next(iter(sweeps.values())).batches]
    ways: dict[str, Way] = {"serial": lambda both, n: serial_ms(fit(both.batches), n, max_batch_size)}
    ways |= {f"up_to_{size}": _fitted_up_to(size) for size in sizes[3:-1]}
    ways["with_one_row"] = lambda both, n: period_ms(informed(both, known), n)
    return {
        f"closed_form_error_{name}": median(
            abs(1e3 * row.number / way(both, row.number) / row.per_s - 1)
            for both in sweeps.values()
            for row in both.clients
            if name != "with_one_row" or row.number != known
        )
        for name, way in ways.items()
    }


def _fitted_up_to(size: int) -> Way:
    return lambda both, n: period_ms(fit(tuple(batch for batch in both.batches if batch.size <= size)), n)


def serial_ms(fitted: Fit, clients: int, max_batch_size: int) -> float:
    """Time (ms) in which so many clients are answered when nothing overlaps: whole batches, each as in the sweep."""
    batches = -(-clients // max_batch_size)
    return batches * fitted.base_ms + clients * fitted.per_item_ms


def informed(both: Sweeps, known: int) -> Fit:
    """The fit, with the time per item that explains the measured throughput of the row of `known` clients."""
    fitted = fit(both.batches)
    (row,) = (row for row in both.clients if row.number == known)
    return fitted._replace(per_item_ms=2 * (1e3 / row.per_s - 2 * fitted.base_ms / known))


def _sweeps(own: Mapping[str, Any]) -> dict[str, Sweeps]:
    return read_sweeps(measured(own["data"]), own["readme"])


def _miss(row: Clients, predicted: Felt) -> Miss:
    return Miss(
        row.number,
        predicted.p50_ms / row.p50_ms - 1,
        predicted.per_s / row.per_s - 1,
        predicted.p99_ms / row.p99_ms - 1,
    )


def _median(misses: list[Miss], what: str) -> float:
    return median(abs(float(getattr(miss, what))) for miss in misses)


def figure(got: Mapping[str, Got]) -> "Plot":
    """Error of the prediction against the number of clients, by GPU: median latency, throughput, 99 % latency."""
    from sim.report.canvas import CAPACITY, FIXED, INK, QUALITY, VARIABLE, plot

    settings = read(HERE)
    form = settings.own["forms"]["full"]
    scenario = system(settings, form)
    rows = {gpu: missed(scenario, both, form) for gpu, both in _sweeps(settings.own).items()}
    colours = dict(zip(GPUS, (FIXED, VARIABLE, QUALITY, CAPACITY), strict=True))
    half, slow = (100 * max(_of(got, what) for what in some) for some in (WHAT[:2], WHAT[2:]))
    finding = (
        f"Half of the medians and throughputs are off by at most {half:.1f} %, of the 99 % latencies by {slow:.0f} %"
    )
    names = ("median latency", "throughput", "99 % latency")

    def paint(page: Any, size: Any) -> None:
        panels = page.subplots(1, 3, sharey=True)
        for axes, what, name, limit in zip(panels, WHAT, names, (10, 10, 25), strict=True):
            axes.axhspan(-limit, limit, color=INK, alpha=0.07, linewidth=0)
            axes.axhline(0, color=INK, linewidth=0.8)
            for gpu, misses in rows.items():
                axes.plot([m.clients for m in misses], [100 * getattr(m, what) for m in misses], color=colours[gpu])
            axes.set_xticks([64, 192])
            axes.set_xlabel(f"clients\n{name}")
        panels[0].set_ylabel("predicted over measured, minus one (%)")
        for place, (gpu, colour) in zip((0.93, 0.87, 0.81, 0.75), colours.items(), strict=True):
            panels[0].text(0.98, place, gpu.upper(), color=colour, transform=panels[0].transAxes, ha="right")
        panels[0].set_title(finding, loc="left", fontsize=5.5 if size.narrow else 10.5)
        page.subplots_adjust(right=0.97, bottom=0.2, wspace=0.12)

    csv = "gpu,clients,p50_error,throughput_error,p99_error\n" + "".join(
        f"{gpu},{m.clients},{m.p50:.4f},{m.throughput:.4f},{m.p99:.4f}\n"
        for gpu, misses in rows.items()
        for m in misses
    )
    sentence = "The grey bands are 10 % for median latency and throughput, 25 % for the 99 % latency."
    return plot("x-resnet50", "Does a batch sweep predict many clients?", finding, sentence, paint, csv)


def _of(got: Mapping[str, Got], what: str) -> float:
    value = got[f"median_error_{what}"]
    assert isinstance(value, float)
    return value
