"""What a phase costs besides people and machines: development, data, labels, tools and compliance, all of it fixed."""

from sim.clock.calendar import MONTH_S
from sim.config import LargeUsd, Parameters, UsdPerMonth
from sim.operations.staff import Books


class CostItem(Parameters):
    """One kind of cost. one_off_usd: when the phase takes effect; monthly_usd_per_month: for as long as it lasts."""

    one_off_usd: LargeUsd = 0.0  # nothing is paid unless typed
    monthly_usd_per_month: UsdPerMonth = 0.0


class PhaseCosts(Parameters):
    """The `costs` node of a phase; what is left out costs nothing."""

    development: CostItem = CostItem()
    data: CostItem = CostItem()
    labels: CostItem = CostItem()
    tools: CostItem = CostItem()
    compliance: CostItem = CostItem()


def cost_lines(ledger: Books, at_s: float, span_s: float, costs: PhaseCosts, phase: str, first: bool) -> None:
    """Post what the `span_s` seconds that end at `at_s` cost, a month being 365.25 / 12 days.

    first: whether the phase has just taken effect, so that what is paid once falls due. Accounts are development, data,
    labels, tools and compliance. Raises ValueError for a negative span.
    """
    if not span_s >= 0:
        raise ValueError(f"the costs of {phase} cannot be paid for {span_s} s")
    for account in PhaseCosts.model_fields:
        item: CostItem = getattr(costs, account)
        if first and item.one_off_usd > 0:
            ledger.post(at_s, account, "fixed", 1.0, "once", item.one_off_usd, phase)
        if span_s > 0 and item.monthly_usd_per_month > 0:
            ledger.post(at_s, account, "fixed", span_s / MONTH_S, "month", item.monthly_usd_per_month, phase)
