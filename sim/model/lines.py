"""What a model's life costs, as lines of the ledger of costs, and what its answers are worth, as lines of another."""

import math
from typing import Literal, Protocol

from sim.model.parameters import LabelMonitor, Learning, NoLearning, Training
from sim.model.value import NoValue, Value

Nature = Literal["fixed", "variable", "earned", "lost"]


class Books(Protocol):
    """What lines are posted to: a ledger."""

    def post(
        self, at_s: float, account: str, nature: Nature, quantity: float, unit: str, unit_price_usd: float, phase: str,
        workload: str,
    ) -> object:  # fmt: skip
        """Add a line of `quantity` units at `unit_price_usd`, at the end of its accrual period."""


def training_lines(
    ledger: Books, at_s: float, training_s: float, jobs: int, terms: Training, phase: str, workload: str
) -> None:
    """Post what trainings on these terms cost since the last accrual: those of their start, whatever the phase's are.

    training_s: time that they ran (s), each on all its machines; jobs: how many were started. Accounts: training
    (machine hours), data and labels (once a job), all fixed. Raises ValueError for a negative quantity.
    """
    if not (training_s >= 0 and jobs >= 0):
        raise ValueError(f"{training_s} s of training and {jobs} jobs cannot be billed, by {at_s} s ({phase})")
    for account, quantity, unit, price_usd in (
        ("training", training_s / 3600 * terms.machines, "h", terms.price_usd_per_h),
        ("data", jobs, "job", terms.data_usd),
        ("labels", jobs, "job", terms.labels_usd),
    ):
        if quantity > 0 and price_usd > 0:
            ledger.post(at_s, account, "fixed", quantity, unit, price_usd, phase, workload=workload)


def monitor_line(ledger: Books, at_s: float, labels: int, learning: Learning, phase: str, workload: str) -> None:
    """Post the labels that the monitor has bought since the last accrual: account labels.monitor, variable.

    Raises ValueError for a negative number, or for labels without a model.
    """
    if labels < 0 or (labels and isinstance(learning, NoLearning)):
        why = " without a model" if labels > 0 else ""
        raise ValueError(f"{labels} labels{why} cannot be billed for {workload}, by {at_s} s ({phase})")
    if isinstance(learning, NoLearning) or not isinstance(learning.monitor, LabelMonitor):
        return
    price_usd = learning.monitor.price_usd
    if labels > 0 and price_usd > 0:
        ledger.post(at_s, "labels.monitor", "variable", labels, "label", price_usd, phase, workload=workload)


def value_lines(
    ledger: Books, at_s: float, answered: int, throttled: int, shed: int, quality: float, fresh: float, value: Value,
    phase: str, workload: str, wrong: int = 0,
) -> None:  # fmt: skip
    """Post to the ledger of value what was earned and lost since the last accrual, in requests at their mean worth.

    answered: hit or completed; throttled: turned away by their quota; shed: rejected, timed out or failed; quality:
    mean true share of right answers over the time; fresh: that of a fresh model. Both NaN without a model: then every
    answer counts as right, and as a fresh model's. value.answers is earned, at today's quality; value.throttled and
    value.shed are lost, at what they would have earned today; value.staleness is lost, the difference to fresh answers.
    wrong: answers among them that were another question's: they earn nothing, and value.wrong_hits is lost likewise.
    A worth below 0 makes negative amounts. Worth is taken at the mean quality: exact but where a rate of errors reaches
    1 within the time. Raises ValueError for negative counts.
    """
    if min(answered - wrong, wrong, throttled, shed) < 0:
        raise ValueError(f"{answered} answers, {throttled} throttled and {shed} shed have no value, by {at_s} s")
    if isinstance(value, NoValue):
        return
    if math.isnan(quality) or math.isnan(fresh):
        quality = fresh = 1.0
    worth_usd = value.worth_usd(quality, fresh)
    stale_usd = value.worth_usd(fresh, fresh) - worth_usd
    lines: tuple[tuple[str, Nature, int, float], ...] = (
        ("value.answers", "earned", answered - wrong, worth_usd),
        ("value.throttled", "lost", throttled, worth_usd),
        ("value.shed", "lost", shed, worth_usd),
        ("value.staleness", "lost", answered - wrong, stale_usd),
        ("value.wrong_hits", "lost", wrong, worth_usd),
    )
    for account, nature, quantity, price_usd in lines:
        if quantity and price_usd:
            ledger.post(at_s, account, nature, quantity, "request", price_usd, phase, workload=workload)
