"""Money as integers of 1e-9 USD (nano-dollars), so that sums are exact in any order.

One rounding rule everywhere: a product is taken exactly, of the numbers as they print in decimal (0.1 is a tenth, not
the nearest binary fraction), and rounded once to the nearest nano-dollar, ties to the even one (IEEE 754 and
`decimal.ROUND_HALF_EVEN`), which is unbiased over many lines.
"""

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal

from sim.config.errors import RunError

NANO_PER_USD = 1_000_000_000
MAX_NANO = 2**63 - 1  # what an int64 column and its sum hold: 9.2 thousand million USD

EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)  # two floats of 17 digits and 1e9 need far fewer
_ONE = Decimal(1)


def as_decimal(number: float) -> Decimal:
    """The shortest decimal that prints as this float: what a person typed. Raises ValueError when not finite."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"not an amount of money: {value}")
    return Decimal(repr(value))


def beyond(amount_usd: Decimal | float) -> RunError:
    """The error of an amount, or of a sum of amounts, that is more than the ledger holds."""
    most = MAX_NANO / NANO_PER_USD
    return RunError(
        f"the run cost {float(amount_usd):.3g} USD by now, and a ledger holds at most {most:.3g} USD. "
        "Type lower prices or salaries, fewer replicas or less traffic."
    )


def round_nano(amount: Decimal) -> int:
    """Whole nano-dollars nearest to an exact number of nano-dollars, ties to even.

    Raises RunError beyond what an int64 column holds.
    """
    if abs(amount) > MAX_NANO:
        raise beyond(EXACT.divide(amount, Decimal(NANO_PER_USD)))
    return int(amount.quantize(_ONE, context=EXACT))


def product_nano(quantity: float, unit_price_usd: float) -> int:
    """Nano-dollars of `quantity` units at `unit_price_usd` USD each, by the module's rounding rule."""
    exact = EXACT.multiply(as_decimal(quantity), as_decimal(unit_price_usd))
    return round_nano(EXACT.multiply(exact, Decimal(NANO_PER_USD)))


def to_usd(nano: int) -> float:
    """USD as a float, for showing and plotting; sums stay with the integers."""
    return nano / NANO_PER_USD
