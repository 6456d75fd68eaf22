"""Staff of a phase: a fixed cost that accrues with time, whatever the traffic."""

from collections.abc import Mapping
from typing import Annotated, Literal, Protocol

from pydantic import Field

from sim.clock.calendar import YEAR_S
from sim.config import NonNegative, Parameters, UsdPerYear

MAX_FTE = 100_000  # assumption: no single product has more people in one role


class StaffRole(Parameters):
    """People in one role: full-time equivalents, and what one costs a year (USD, with overhead and benefits)."""

    fte: Annotated[NonNegative, Field(le=MAX_FTE)]
    salary_usd_per_year: UsdPerYear


class Books(Protocol):
    """What fixed costs of operations are posted to: a ledger."""

    def post(
        self, at_s: float, account: str, nature: Literal["fixed"], quantity: float, unit: str, unit_price_usd: float,
        phase: str,
    ) -> object:  # fmt: skip
        """Add a line of `quantity` units at `unit_price_usd`, at the end of its accrual period."""


def staff_lines(ledger: Books, at_s: float, span_s: float, staff: Mapping[str, StaffRole], phase: str) -> None:
    """Post what each role cost over the `span_s` seconds that end at `at_s`; a year is 365.25 days.

    Accounts are people.<role>, quantities FTE-years. Raises ValueError for a negative span.
    """
    if not span_s >= 0:
        raise ValueError(f"staff cannot be paid for {span_s} s")
    for role, people in staff.items():
        years = people.fte * span_s / YEAR_S
        if years > 0:
            ledger.post(at_s, f"people.{role}", "fixed", years, "FTE-year", people.salary_usd_per_year, phase)
