"""The ledger: every amount of money as a line with its time, nature, quantity, price and who it is for."""

import math
from typing import TYPE_CHECKING, Literal, TypedDict

from sim.clock.calendar import SLACK_S
from sim.cost.money import MAX_NANO, beyond, product_nano, to_usd

if TYPE_CHECKING:
    import pandas as pd

Nature = Literal["fixed", "variable", "earned", "lost"]
# What is spent is fixed or variable; of value, which has a ledger of its own, something is earned or lost.
NATURES: tuple[Nature, ...] = ("fixed", "variable", "earned", "lost")
COLUMNS = (
    "at_s", "account", "nature", "quantity", "unit", "unit_price_usd", "amount_nano_usd", "amount_usd", "phase",
    "workload", "model", "team", "feature", "resource", "sku",
)  # fmt: skip
_NUMBERS = {
    "at_s": "float64", "quantity": "float64", "unit_price_usd": "float64", "amount_nano_usd": "int64",
    "amount_usd": "float64",
}  # fmt: skip


class Labels(TypedDict, total=False):
    """Who a line is for, beyond its phase; what is not given is the empty text."""

    workload: str
    model: str
    team: str
    feature: str
    resource: str
    sku: str


class Ledger:
    """Collects lines as columns; nothing is summed in floating point."""

    def __init__(self) -> None:
        self._columns: dict[str, list[object]] = {name: [] for name in COLUMNS}
        self._nano: dict[tuple[str, str, str], int] = {}
        self._posted_nano = 0  # so that no sum over a column leaves int64

    def __len__(self) -> int:
        return len(self._columns["at_s"])

    def post(
        self,
        at_s: float,
        account: str,
        nature: Nature,
        quantity: float,
        unit: str,
        unit_price_usd: float,
        phase: str,
        workload: str = "",
        model: str = "",
        team: str = "",
        feature: str = "",
        resource: str = "",
        sku: str = "",
        amount_nano: int | None = None,
    ) -> int:
        """Add a line and return its amount in nano-dollars.

        at_s: end of the accrual period, seconds since the scenario's start; quantity in `unit`s; unit_price_usd: USD
        per unit; amount_nano: the amount where it is known exactly otherwise (a tiered bill), else quantity x price
        rounded as `sim.cost.money` says. Raises ValueError for a nature that is none of `NATURES` or a number that is
        not finite, and RunError where the line or all lines together are beyond int64.
        """
        if nature not in NATURES:
            raise ValueError(f"a ledger line is fixed or variable, or earned or lost, not {nature!r} ({account})")
        if not all(map(math.isfinite, (at_s, quantity, unit_price_usd))):
            raise ValueError(f"{account} at {at_s} s: {quantity} {unit} at {unit_price_usd} USD is not a finite amount")
        nano = product_nano(quantity, unit_price_usd) if amount_nano is None else int(amount_nano)
        if self._posted_nano + abs(nano) > MAX_NANO:
            raise beyond(to_usd(self._posted_nano + abs(nano)))
        self._posted_nano += abs(nano)
        line = (
            float(at_s), account, nature, float(quantity), unit, float(unit_price_usd), nano, to_usd(nano), phase,
            workload, model, team, feature, resource, sku,
        )  # fmt: skip
        for column, value in zip(self._columns.values(), line, strict=True):
            column.append(value)
        key = (nature, account, phase)
        self._nano[key] = self._nano.get(key, 0) + nano
        return nano

    def total_nano(self, nature: Nature | None = None, account: str | None = None, phase: str | None = None) -> int:
        """Exact sum in nano-dollars of the lines of this nature, account and phase (None: of all).

        An account names itself and everything below it: "people" covers "people.on_call".
        """
        return sum(
            nano
            for (of_nature, of_account, of_phase), nano in self._nano.items()
            if nature in (None, of_nature)
            and (account is None or of_account == account or of_account.startswith(account + "."))
            and phase in (None, of_phase)
        )

    def between(self, from_s: float, to_s: float) -> dict[tuple[str, str], int]:
        """Nano-dollars by (nature, workload) of the accruals that ended after `from_s`, and by `to_s`."""
        columns = [self._columns[name] for name in ("at_s", "nature", "workload", "amount_nano_usd")]
        sums: dict[tuple[str, str], int] = {}
        for at_s, nature, workload, nano in zip(*map(reversed, columns), strict=True):  # lines come in order of time
            assert isinstance(at_s, float)
            assert isinstance(nano, int)
            if at_s <= from_s + SLACK_S:
                break
            if at_s <= to_s + SLACK_S:
                key = (str(nature), str(workload))
                sums[key] = sums.get(key, 0) + nano
        return sums

    def frame(self) -> "pd.DataFrame":
        """All lines in the order of posting: one row a line, columns `COLUMNS`, amounts both exact and in USD."""
        import pandas as pd

        return pd.DataFrame(
            {name: pd.Series(values, dtype=_NUMBERS.get(name, "str")) for name, values in self._columns.items()}
        )


def lines_usd(lines: "pd.DataFrame", chosen: "pd.Series[bool] | None" = None) -> float:
    """Exact sum of the amounts of a ledger's frame, or of the chosen rows of it, then USD."""
    amounts = lines["amount_nano_usd"] if chosen is None else lines.loc[chosen, "amount_nano_usd"]
    return to_usd(sum(amounts.tolist()))  # Python's integers: a sum may pass what an int64 holds
