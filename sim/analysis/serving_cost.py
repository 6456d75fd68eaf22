"""Serving cost: variable cost and the commitments, whose machines serve as any others do.

The bend of the cost curve is that of serving cost. By nature a commitment is fixed, and the sums of fixed and variable
cost keep it there; yet machines under it would be bought on demand without it, so that without its rent the curve would
show only what is left over.
"""

from typing import TYPE_CHECKING

from sim.analysis.daily import COMMITMENT, accrual_days, nano_by_day

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

COVERED = ("serving.machine.covered_busy", "serving.machine.covered_idle")
"""Accounts of the hours of machines that a commitment covered; their lines cost nothing (`sim.cost.accrual`)."""


def serving_nano(ledger: "pd.DataFrame", edges: "NDArray[np.float64]") -> dict[tuple[int, str, str], int]:
    """Nano-dollars of serving cost of each (day, phase, account); days are numbered from the first.

    edges: `day_edges`. What a day's commitment cost is told by what its machines did: covered hours, at the contract's
    price an hour, stand with their own accounts (COVERED); what no machine used stays with COMMITMENT. Amounts are
    whole, and those of a day add up to its variable cost and its commitments.
    """
    sums = nano_by_day(ledger[ledger["nature"] == "variable"], edges, "account")
    for key, nano in _commitment_parts(ledger, edges).items():
        sums[key] = sums.get(key, 0) + nano
    return sums


def _commitment_parts(ledger: "pd.DataFrame", edges: "NDArray[np.float64]") -> dict[tuple[int, str, str], int]:
    """Nano-dollars of commitments of each (day, phase, account of COVERED or COMMITMENT)."""
    lines = ledger[ledger["account"].isin((COMMITMENT, *COVERED))]
    hours: dict[tuple[int, str, str, str], dict[str, float]] = {}
    paid: dict[tuple[int, str, str, str], int] = {}
    # a contract is for machines of one name in one pool, and so are the hours that it covers
    keys = zip(accrual_days(lines, edges), lines["phase"], lines["resource"], lines["sku"])
    for key, account, quantity, nano in zip(keys, lines["account"], lines["quantity"], lines["amount_nano_usd"]):
        of = hours.setdefault(key, {})
        of[account] = of.get(account, 0.0) + float(quantity)
        if account == COMMITMENT:
            paid[key] = paid.get(key, 0) + int(nano)
    parts: dict[tuple[int, str, str], int] = {}
    for (day, phase, resource, sku), nano in paid.items():
        of, left = hours[day, phase, resource, sku], nano
        for account in COVERED:
            share = of.get(account, 0.0) / of[COMMITMENT] if of[COMMITMENT] else 0.0
            part = min(round(nano * share), left)  # hours are sums of floats
            left -= part
            parts[day, phase, account] = parts.get((day, phase, account), 0) + part
        parts[day, phase, COMMITMENT] = parts.get((day, phase, COMMITMENT), 0) + left
    return parts


def words(*ledgers: "pd.DataFrame") -> str:
    """What serving cost is called where these are told of: plain "variable cost" where none has a commitment."""
    return "serving cost" if any(has_commitment(ledger) for ledger in ledgers) else "variable cost"


def has_commitment(ledger: "pd.DataFrame") -> bool:
    """Whether anything in a ledger was paid for a commitment."""
    return bool((ledger["account"] == COMMITMENT).any())
