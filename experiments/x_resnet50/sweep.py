"""NVIDIA's measurements of ResNet-50 behind Triton: one client with batches, and many clients with single pictures."""

import csv
import math
from pathlib import Path
from typing import Any, NamedTuple

Z99 = 2.3263478740408408  # 99 % quantile of the normal distribution
GPUS = {"a40": "A40", "a100": "DGX A100", "v100": "DGX-1", "t4": "T4"}  # the machine's name begins so


class Batch(NamedTuple):
    """One client that sends batches, one after the other: mean and 99 % quantile of a batch's latency (ms)."""

    size: int
    mean_ms: float
    p99_ms: float


class Clients(NamedTuple):
    """So many clients at once, each with one picture at a time: answers per second, and latency (ms)."""

    number: int
    per_s: float
    p50_ms: float
    p99_ms: float


class Sweeps(NamedTuple):
    """Both sweeps of one GPU; the second is only looked at to judge a prediction."""

    batches: tuple[Batch, ...]
    clients: tuple[Clients, ...]


class Fit(NamedTuple):
    """A batch of b takes base + b * per_item (ms), times a lognormal factor of mean one and this spread."""

    base_ms: float
    per_item_ms: float
    cv: float


def read_sweeps(path: Path, readme: str) -> dict[str, Sweeps]:
    """Sweeps by GPU (keys of GPUS). readme: the model's, as column source_readme names it."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source_readme"] == readme]
    return {gpu: _sweeps([row for row in rows if row["gpu"].startswith(name)]) for gpu, name in GPUS.items()}


def _sweeps(rows: list[dict[str, Any]]) -> Sweeps:
    return Sweeps(
        tuple(
            Batch(int(float(row["batch"])), float(row["avg_ms"]), float(row["p99_ms"]))
            for row in rows
            if row["scenario"] == "Offline"
        ),
        tuple(
            Clients(int(float(row["concurrency"])), *(float(row[k]) for k in ("throughput_per_s", "p50_ms", "p99_ms")))
            for row in rows
            if row["scenario"] == "Online"
        ),
    )


def fit(batches: tuple[Batch, ...]) -> Fit:
    """Least squares of the relative error of base + b * per_item over all batches of the sweep.

    Spread: the median over the batches of the lognormal's cv that has the measured ratio of p99 to mean.
    """
    import numpy as np

    size = np.array([batch.size for batch in batches], dtype=float)
    mean = np.array([batch.mean_ms for batch in batches])
    (base, per_item), *_ = np.linalg.lstsq(np.column_stack((1 / mean, size / mean)), np.ones(len(batches)), rcond=None)
    sigmas = [Z99 - math.sqrt(Z99**2 - 2 * math.log(batch.p99_ms / batch.mean_ms)) for batch in batches]
    return Fit(float(base), float(per_item), math.sqrt(math.expm1(float(np.median(sigmas)) ** 2)))


def period_ms(fitted: Fit, clients: int) -> float:
    """Latency (ms) of every request when two halves of the clients take turns: 2 base + clients * per_item / 2."""
    return 2 * fitted.base_ms + clients * fitted.per_item_ms / 2
