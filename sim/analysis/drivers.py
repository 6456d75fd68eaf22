"""Why the cost curve bends: how much of the elasticity of serving cost comes from which accounts.

With C = sum_i C_i the serving cost of a day (variable cost and commitments), and a day of mean cost as reference, each
account's part of the log of the cost is exact, zeros included:

    ln(C / C_ref) = sum_i (C_i - C_i,ref) / L(C, C_ref),    L(a, b) = (a - b) / ln(a / b)

(the logarithmic mean Divisia decomposition; Ang, Energy Policy 32, 2004). The least-squares slope on ln(requests) is
linear in the left side, so the slopes of the parts add up to the elasticity that `sim.analysis.elasticity` reports:

    elasticity = sum_i share_i x elasticity_i,    share_i = C_i,ref / C_ref,    elasticity - 1 = sum_i bend_i

Requests that a quota refuses or a cache answers never reach what serves. Their bend is the sum of the serving accounts'
shares times what they take off the elasticity of the requests that do; it is taken out of those accounts' own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.analysis.daily import COMMITMENT, count_by_day, day_edges
from sim.analysis.elasticity import MIN_DAYS, MIN_LOG_RANGE, block_rows, half_width, slopes_of
from sim.analysis.serving_cost import serving_nano, words
from sim.clock.calendar import Calendar
from sim.streams import Streams

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Mechanism(NamedTuple):
    """A reason why money is spent: its name, as a reader says it, and how the names of its accounts begin."""

    name: str
    words: str
    begins: tuple[str, ...]


MECHANISMS = (
    Mechanism("api", "API fees", ("serving.api",)),
    Mechanism("busy", "machines at work", ("serving.machine.busy", "serving.machine.covered_busy")),
    # what a commitment pays for and nobody uses is idle, whether the machine runs or not
    Mechanism("idle", "idle capacity", ("serving.machine.idle", "serving.machine.covered_idle", COMMITMENT)),
    Mechanism("premium", "the managed service's premium", ("serving.managed_premium",)),
    Mechanism("cache", "keeping the cache", ("cache",)),
    Mechanism("labels", "labels for the monitor", ("labels.monitor",)),
    Mechanism("egress", "data sent to users", ("network.",)),
    Mechanism("logs", "logs", ("observability.",)),
)
OTHER = Mechanism("other", "other variable cost", ("",))
SERVED = ("api", "busy")
"""Mechanisms that cost by the request which reaches what serves; a premium is on machines, idle ones too."""
# assumption: within 0.25 of 0 "hardly", within 0.05 of 1 "in step": words for a reader, nothing is computed from them
_WORDS = ((-0.25, "falls as traffic grows"), (0.25, "hardly grows with traffic"),
          (0.95, "grows more slowly than traffic"), (1.05, "grows in step with traffic"))  # fmt: skip


@dataclass(frozen=True)
class _Daily:
    """What happened by (day, phase): nano-dollars by account, and requests that a quota or a cache kept away.

    words: what the money is called.
    """

    nano: Mapping[tuple[int, str, str], int]
    accounts: Sequence[str]
    kept_away: Mapping[str, Mapping[tuple[int, str], float]]
    words: str


def drivers(
    days: "pd.DataFrame", timeseries: "pd.DataFrame", ledger: "pd.DataFrame", calendar: Calendar,
    phases: Sequence[str], streams: Streams,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of what bends the cost curve, ready for JSON: first over the last phase that is long enough, then the life.

    days: `daily_table` of the two frames; phases: in order of taking effect. Each row: scope ("phase" or "life"), phase
    (its name, or None), mechanism (a name of MECHANISMS), accounts (those with money, hours that a commitment covered
    at the price of its contract: `serving_nano`), share (of the scope's serving cost on its complete days), elasticity
    with its 95 % interval lo, hi (blocks of 7 days, as the elasticity of a phase), bend, and said, in words. Rows
    "throttled" and "hits" have no account and a share of 0; their elasticity is that of the requests which get past
    them. Within a scope share x elasticity adds up to the scope's elasticity, and bend to what that lies above 1; the
    largest bend comes first. Over the life a mechanism that another replaces (an API by machines) has a negative
    elasticity. A scope of fewer than 28 days with requests and cost, or whose traffic hardly varies, has no rows.
    """
    edges = day_edges(calendar)
    nano = serving_nano(ledger, edges)
    kept_away = {name: count_by_day(timeseries, edges, column) for name, column in _KEPT_AWAY.items()}
    daily = _Daily(nano, sorted({account for _, _, account in nano}), kept_away, words(ledger))
    complete = days[days["complete"]]
    rows: list[dict[str, Any]] = []
    for phase in reversed(phases):
        rows = _of_scope(complete[complete["phase"] == phase], daily, edges, streams, phase)
        if rows:
            break
    return rows + _of_scope(complete, daily, edges, streams, None)


_KEPT_AWAY = {"throttled": "throttled", "hits": "hit"}
"""Mechanism -> column of the time series, in the order in which a request meets them."""


def _of_scope(
    days: "pd.DataFrame", daily: _Daily, edges: "Floats", streams: Streams, phase: str | None
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of one scope; none where an elasticity is not defined."""
    import numpy as np

    number = np.searchsorted(edges, days["start_s"].to_numpy(dtype=np.float64)).tolist()
    keys = list(zip(number, days["phase"]))
    cost = np.array([[daily.nano.get((*key, account), 0) / 1e9 for key in keys] for account in daily.accounts])
    cost = cost.reshape(len(daily.accounts), len(keys))
    requests = days["offered"].to_numpy(dtype=np.float64)
    used = (requests > 0) & (cost.sum(axis=0) > 0)
    x, cost = np.log(requests[used]), cost[:, used]
    if len(x) < MIN_DAYS or np.ptp(x) < MIN_LOG_RANGE:
        return []
    resample = block_rows(len(x), streams.generator(f"drivers/{phase}" if phase else "drivers"))
    grouped = _by_mechanism(daily.accounts, cost)
    parts = log_parts(np.array([of_group for _, _, of_group in grouped]))
    rows = []
    for (mechanism, names, of_group), part in zip(grouped, parts):
        share = float(of_group.sum() / cost.sum())
        row: dict[str, Any] = {"mechanism": mechanism.name, "accounts": names, "share": share} | _sloped(
            x, part / share, resample
        )
        row["bend"] = share * (row["elasticity"] - 1)
        rows.append(row | {"said": _said(mechanism, share, daily.words, row["elasticity"])})
    kept = {name: np.array([counts.get(key, 0.0) for key in keys])[used] for name, counts in daily.kept_away.items()}
    _take_out(rows, x, kept, resample)
    scope = {"scope": "life" if phase is None else "phase", "phase": phase}
    return [scope | row for row in sorted(rows, key=lambda row: -abs(row["bend"]))]


def _sloped(x: "Floats", y: "Floats", resample: "NDArray[np.int64]") -> dict[str, Any]:
    slope = float(slopes_of(x, y))
    half = half_width(slopes_of(x[resample], y[resample]), len(x))
    return {"elasticity": slope, "lo": slope - half, "hi": slope + half}


def _take_out(
    rows: list[dict[str, Any]], x: "Floats", kept: "Mapping[str, Floats]", resample: "NDArray[np.int64]"
) -> None:  # fmt: skip
    """Add a row for each way of keeping requests away that did, and take its bend out of the serving accounts'."""
    import numpy as np

    served = [row for row in rows if row["mechanism"] in SERVED]
    requests = np.exp(x)
    reach = np.cumsum([requests, *(-kept[name] for name in kept)], axis=0)
    if not served or not (reach > 0.5).all():  # a day on which nothing was served has no logarithm
        return
    share = sum(row["share"] for row in served)
    for name, (before, after) in zip(kept, pairwise(reach)):
        if kept[name].sum() > 0:
            past, met = _sloped(x, np.log(after), resample), float(slopes_of(x, np.log(before)))
            taken = past["elasticity"] - met
            for row in served:
                row["bend"] -= row["share"] * taken
            said = _said_kept_away(name, float(kept[name].sum() / requests.sum()), taken)
            rows.append(
                {"mechanism": name, "accounts": [], "share": 0.0} | past | {"bend": share * taken, "said": said}
            )


def log_parts(cost: "Floats") -> "Floats":
    """Parts [groups, days] of ln(cost of a day / mean cost of a day) by group; each day's parts add up to it.

    cost: [groups, days], USD, not negative and with a sum above 0 every day.
    """
    import numpy as np

    reference = cost.mean(axis=1, keepdims=True)
    total, usual = cost.sum(axis=0), reference.sum()
    logarithm = np.log(total / usual)
    flat = np.abs(logarithm) < 1e-9  # the mean of two that are equal to the last bits
    mean = np.where(flat, (total + usual) / 2, (total - usual) / np.where(flat, 1.0, logarithm))
    parts: Floats = (cost - reference) / mean
    return parts


def _by_mechanism(accounts: Sequence[str], cost: "Floats") -> "list[tuple[Mechanism, list[str], Floats]]":
    """The mechanisms that cost anything, with their accounts and their cost of each day."""
    grouped = []
    of = [next((m for m in MECHANISMS if account.startswith(m.begins)), OTHER) for account in accounts]
    for mechanism in (*MECHANISMS, OTHER):
        rows = [i for i, own in enumerate(of) if own is mechanism and cost[i].sum() > 0]
        if rows:
            grouped.append((mechanism, [accounts[i] for i in rows], cost[rows].sum(axis=0)))
    return grouped


def _said(mechanism: Mechanism, share: float, whole: str, slope: float) -> str:
    grows = next((words for limit, words in _WORDS if slope < limit), "grows faster than traffic")
    percent = "under 1" if share < 0.01 else f"{100 * share:.0f}"
    return f"{mechanism.words}: {percent} % of {whole}, {grows}"


def _said_kept_away(name: str, share: float, taken: float) -> str:
    percent = "under 1" if share < 0.01 else f"{100 * share:.0f}"
    what, verb = ("the quota", "refuses") if name == "throttled" else ("the cache", "answers")
    trend = "as many" if abs(taken) < 0.02 else "ever more" if taken < 0 else "ever fewer"
    return f"{what}: {verb} {percent} % of requests, {trend} as traffic grows"
