"""The scale check as a table: the same life with other traffic, and how serving cost answers."""

from collections.abc import Mapping
from typing import Any

from sim.report.facts import Facts
from sim.report.numbers import NONE, between, many, three, usd
from sim.report.numbers import slope as told
from sim.report.tables import Table


def scale(facts: Facts) -> Table:
    """Requests and cost of each phase and in total by factor of traffic, and the arc elasticity between neighbours.

    Serving cost, which the elasticity is of, has a column of its own where it is more than variable cost.
    """
    check = facts.summary["scale_check"]
    more = check["total"]["serving_usd"] != check["total"]["variable_usd"]
    rows = []
    for entry in (*check["phases"], check["total"]):
        name = "all phases" if entry is check["total"] else str(entry["name"])
        for index, factor in enumerate(check["factors"]):
            step = entry["steps"][index - 1] if index else None
            rows.append((
                name, f"× {three(factor)}", many(entry["requests"][index]), usd(entry["fixed_usd"][index]),
                usd(entry["variable_usd"][index]), *([usd(entry["serving_usd"][index])] if more else []),
                _elasticity(step),
            ))  # fmt: skip
    money = ("fixed", "variable", "serving") if more else ("fixed", "variable")
    head = ("phase", "traffic", "requests", *money, "elasticity from the row above")
    return Table(head, tuple(rows))


def scale_sentences(facts: Facts) -> list[str]:
    """What the scale check is to be read with, and what it found, in sentences."""
    said = [_another_draw(facts), *facts.summary["scale_check"]["said"]]
    return [str(sentence) for sentence in said if sentence]


def _another_draw(facts: Facts) -> str:
    """Says that demand was drawn again at every factor, 1 too, where it was: all factors are thinned from one demand,
    twice that of the run.
    """
    check = facts.summary["scale_check"]
    once = int(check["total"]["requests"][check["factors"].index(1)])
    if once == facts.requests:
        return ""
    return (
        f"The life at × 1 is another draw of the same demand than this run ({many(once)} requests there, "
        f"{many(facts.requests)} here), so compare the rows with each other."
    )


def _elasticity(step: Mapping[str, Any] | None) -> str:
    if step is None:
        return NONE
    if step["elasticity"] is None:
        return f"{NONE} ({step.get('reason', 'not defined')})"
    interval = NONE if step["lo"] is None else between(step["lo"], step["hi"])
    return f"{told(step['elasticity'])} (95 %: {interval})"
