"""The newest labels of one model, and what they say of its quality."""

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from sim.model.parameters import LabelMonitor

if TYPE_CHECKING:
    import numpy as np


class Batch(NamedTuple):
    """Labels of one sample of answers: their number, how many of those said "right", and the sample's own generator.

    version: of the model that gave the answers.
    """

    version: int
    labels: int
    right: int
    generator: "np.random.Generator"


def draw(
    monitor: LabelMonitor, version: int, answered: int, quality: float, generator: "np.random.Generator"
) -> tuple[int, Batch]:
    """Labels bought for a sample of `answered` answers of that mean quality, and those of them that can be of use.

    Number and outcome are binomial. Of more labels than the window holds only the newest are looked at.
    """
    bought = int(generator.binomial(answered, monitor.share))
    used = min(bought, monitor.window)
    right = int(generator.binomial(used, min(1.0, max(0.0, quality))))
    return bought, Batch(version, used, right, generator)


class LabelWindow:
    """The newest labels, at most a given number of them."""

    def __init__(self) -> None:
        self._batches: deque[Batch] = deque()
        self.labels = 0
        self._right = 0

    @property
    def estimate(self) -> float | None:
        """Share of right answers among them; None without any."""
        return self._right / self.labels if self.labels else None

    def add(self, batch: Batch, most: int) -> None:
        """Labels come in. most: labels to keep; older ones make room.

        Where a batch is cut, its kept labels are a random part of it: within a sample nobody knows which came first.
        """
        if batch.labels == 0:
            return
        self._batches.append(batch)
        self.labels += batch.labels
        self._right += batch.right
        while (over := self.labels - most) > 0:
            oldest = self._batches.popleft()
            gone = min(over, oldest.labels)
            gone_right = oldest.right
            if gone < oldest.labels:
                wrong = oldest.labels - oldest.right
                gone_right = int(oldest.generator.hypergeometric(oldest.right, wrong, gone))
                self._batches.appendleft(oldest._replace(labels=oldest.labels - gone, right=oldest.right - gone_right))
            self.labels -= gone
            self._right -= gone_right

    def clear(self) -> None:
        """Forget them all: another model serves."""
        self._batches.clear()
        self.labels = self._right = 0
