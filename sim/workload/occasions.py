"""Parameters of what lifts or lowers demand on top of growth and the week: months, holidays, launches, viral spikes."""

import calendar as months_and_days
import re
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from sim.clock.calendar import YEAR_S
from sim.config import NonNegative, Parameters, Positive, PositiveSeconds

MONTHS = 12
MOST_DAYS = 1000  # assumption: ten a year for a century
LARGEST_FACTOR = 1e6  # assumption: a million times the usual demand is no product's
_DAY = re.compile(r"^(?:(?P<year>\d{4})-)?(?P<month>\d\d)-(?P<day>\d\d)$")
_MOST_AT_ONCE = 10.0  # assumption: with more spikes alive at once there is no quiet time that they stand out of


def _one_a_month(weights: tuple[float, ...]) -> tuple[float, ...]:
    if len(weights) != MONTHS:
        raise ValueError(f"{len(weights)} weights. Expected {MONTHS}, one for each month, January first.")
    if sum(weights) <= 0.0:
        raise ValueError("every weight is 0. At least one month needs a weight above 0.")
    return weights


def _day(value: object) -> str:
    text = value.isoformat() if isinstance(value, date) else str(value).strip()
    found = _DAY.match(text)
    if found is None:
        raise ValueError('not a day. Expected one of every year such as "12-25", or of one year such as "2026-05-14".')
    year, month, day = int(found["year"] or 2000), int(found["month"]), int(found["day"])  # 2000 has a 29 February
    if not 1 <= month <= MONTHS or year < 1 or not 1 <= day <= months_and_days.monthrange(year, month)[1]:
        raise ValueError('no day of the calendar. Expected one such as "12-25" or "2026-05-14".')
    return text


def _some_days(days: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(days) <= MOST_DAYS:
        raise ValueError(f'{len(days):,} days. Expected 1 to {MOST_DAYS:,}, such as ["01-01", "12-25"].')
    return days


def _moment(value: object) -> datetime:
    try:
        if isinstance(value, datetime):
            return value
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day)
        return datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
    except ValueError:
        raise ValueError('not a date. Expected one such as "2026-09-01" or "2026-09-01 09:30".') from None


def _moment_text(moment: datetime) -> str:
    plain = moment.time() == datetime.min.time() and moment.tzinfo is None
    return moment.date().isoformat() if plain else moment.isoformat(sep=" ")


Yearly = Annotated[tuple[NonNegative, ...], AfterValidator(_one_a_month)]
"""12 weights, January first; only their ratios matter, they are divided by their mean."""
Day = Annotated[str, BeforeValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(_moment), PlainSerializer(_moment_text, when_used="json")]


class Holidays(Parameters):
    """Civil days on which demand is `factor` times the usual: below 1 for an office's tool, above 1 for a shop.

    dates: "12-25" for a day of every year, "2026-05-14" for one day.
    """

    dates: Annotated[tuple[Day, ...], AfterValidator(_some_days)]
    factor: Annotated[NonNegative, Field(le=LARGEST_FACTOR)]


class Launch(Parameters):
    """Demand jumps to `factor` times the usual at `at` and falls back exponentially: 1 + (factor - 1) * e^(-t / decay).

    at: civil date or date-time in the scenario's time zone, inside the scenario.
    """

    at: Moment
    factor: Annotated[Positive, Field(le=LARGEST_FACTOR)]
    decay_s: PositiveSeconds


class Spikes(Parameters):
    """Viral moments at random times, each a jump that falls back exponentially.

    per_year: mean number in 365.25 days, Poisson in time; factor: mean peak, a multiple of the usual demand above 1 (a
    peak is 1 + an exponential excess of mean factor - 1); decay_s: time after which 37 % of the excess is left. Drawn
    once for the whole scenario from a stream of their own, so that no phase, policy or exposure moves one.
    """

    per_year: Annotated[Positive, Field(le=1000)]
    factor: Annotated[Positive, Field(gt=1.0, le=1000)]
    decay_s: PositiveSeconds

    @model_validator(mode="after")
    def _apart(self) -> Self:
        at_once = self.per_year * self.decay_s / YEAR_S
        if at_once > _MOST_AT_ONCE:
            raise ValueError(
                f"{at_once:.3g} spikes at once on average, and {_MOST_AT_ONCE:g} is the most. Type a smaller per_year "
                "or a shorter decay, or raise the rate itself."
            )
        return self
