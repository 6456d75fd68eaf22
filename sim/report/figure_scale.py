"""The small figure of the scale check: cost at half, once and twice the traffic, and what proportion would make."""

from typing import Any

from sim.report import canvas, findings
from sim.report.canvas import End, Plot, Size
from sim.report.facts import Facts
from sim.report.numbers import slope as told
from sim.report.numbers import three


def scale(facts: Facts) -> Plot | None:
    """Fixed and variable cost of the life by factor of traffic; None where no scale check was asked for."""
    check = facts.summary["scale_check"]
    if check is None:
        return None
    total, factors = check["total"], [float(factor) for factor in check["factors"]]
    fixed, variable, serving, requests = (
        [float(value) for value in total[key]] for key in ("fixed_usd", "variable_usd", "serving_usd", "requests")
    )
    once = factors.index(1.0)
    rest = [sum(both) - served for *both, served in zip(fixed, variable, serving)]  # all but what serving costs
    even = [serving[once] * count / requests[once] if requests[once] else 0.0 for count in requests]
    whole = findings.judged(facts)
    both = " (variable cost and the commitment)" if serving != variable else ""
    sentence = (
        "The same life with other traffic: same seed, same dates of promotion. Below fixed cost, above it variable; "
        f"the dashes are where the top would be if {whole}{both} were proportional to requests."
    )

    def paint(figure: Any, size: Size) -> None:
        axes = figure.add_subplot()
        places = range(len(factors))
        low = axes.bar(places, fixed, 0.55, color=canvas.FIXED)
        high = axes.bar(places, variable, 0.55, bottom=fixed, color=canvas.VARIABLE)
        for place, bottom, top in zip(places, rest, even, strict=True):
            (mark,) = axes.plot(
                [place - 0.38, place + 0.38], [bottom + top] * 2, color=canvas.INK, lw=1.3, ls=(0, (4, 2))
            )
        axes.set_xticks(list(places), [f"× {three(factor)}" for factor in factors])
        axes.set_xlabel("traffic")
        axes.set_ylim(0, 1.08 * max((*map(sum, zip(fixed, variable)), *map(sum, zip(rest, even)))) or 1.0)
        canvas.value_axis(axes, "USD over the whole life")
        canvas.name_ends(axes, [
            End(rest[-1] + even[-1], "if proportional", mark),
            End(fixed[-1] + variable[-1] / 2, "variable", high[0]),
            End(fixed[-1] / 2, "fixed", low[0]),
        ], size)  # fmt: skip

    rows = ["factor [1],requests [1],fixed [USD],variable [USD],serving [USD],serving if proportional [USD]"]
    columns = zip(factors, requests, fixed, variable, serving, even, strict=True)
    rows += [",".join(f"{v:.12g}" for v in row) for row in columns]
    return canvas.plot(
        "scale", "And with twice the traffic?", found(facts), sentence, paint, "\n".join(rows) + "\n", 0.8
    )


def found(facts: Facts) -> str:
    """What the largest factor does to serving cost (the figure's title)."""
    check = facts.summary["scale_check"]
    total, last, once = check["total"], -1, check["factors"].index(1)
    if not total["requests"][once] or not total["serving_usd"][once]:
        return "Nothing to scale"
    ask = total["requests"][last] / total["requests"][once]
    pay = total["serving_usd"][last] / total["serving_usd"][once]
    slope = total["steps"][-1]["elasticity"]
    said = f" (elasticity {told(slope)})" if slope is not None else ""
    return f"{three(ask)} times the requests cost {three(pay)} times as much to serve{said}"
