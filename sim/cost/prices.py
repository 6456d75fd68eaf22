"""Parameter classes of the `price` node: what a provider charges for egress and logs, by tiers of a month's volume.

One GB is 1e9 bytes here, as everywhere at the door. Where a provider counts a TB as 1,024 GB, the price file writes the
tier's end out (10240 GB).
"""

from decimal import Decimal, localcontext
from typing import Self

from pydantic import model_validator

from sim.config import Bytes, LongSeconds, Parameters, PositiveBytes, PositiveLongSeconds, UsdPerGb, UsdPerGbMonth
from sim.cost.money import EXACT, as_decimal, round_nano

BYTES_PER_GB = 1_000_000_000


class Tier(Parameters):
    """One price step: USD per GB up to `up_to_bytes` of a month's billable volume (None: without end)."""

    up_to_bytes: PositiveBytes | None = None
    price_usd_per_gb: UsdPerGb


class TieredPrice(Parameters):
    """A month's volume priced in steps: the free volume is deducted first, the rest fills the tiers in order.

    free_bytes: free of charge each civil month; tiers: ascending ends of billable volume, the last without end.
    """

    free_bytes: Bytes = 0.0
    tiers: tuple[Tier, ...]

    @model_validator(mode="after")
    def _ascending_to_an_open_end(self) -> Self:
        ends = [tier.up_to_bytes for tier in self.tiers]
        if not ends:
            raise ValueError("tiers is empty. Give at least one, such as tiers: [{up_to: null, price: 0.09 USD/GB}].")
        wrong = []
        if ends[-1] is not None:
            wrong.append(
                f"the last tier ends at {ends[-1] / BYTES_PER_GB:g} GB, so more has no price. Type up_to: null there."
            )
        for index, end in enumerate(ends[:-1]):
            following = ends[index + 1]
            if end is None:
                wrong.append(f"tier {index + 1} has no end, so tier {index + 2} is never reached. Give it an up_to.")
            elif following is not None and following <= end:
                wrong.append(
                    f"tier {index + 2} ends at {following / BYTES_PER_GB:g} GB, not above tier {index + 1} "
                    f"({end / BYTES_PER_GB:g} GB). List the tiers by ascending up_to."
                )
        if wrong:
            raise ValueError(" ".join(wrong))
        return self

    def bill_nano(self, volume_bytes: int) -> int:
        """Exact bill in nano-dollars of a month's volume in whole bytes, rounded once (`sim.cost.money`)."""
        with localcontext(EXACT):
            billable = max(Decimal(0), volume_bytes - as_decimal(self.free_bytes))
            bill, begin = Decimal(0), Decimal(0)
            for tier in self.tiers:
                end = billable if tier.up_to_bytes is None else min(billable, as_decimal(tier.up_to_bytes))
                # USD per 1e9 bytes is nano-dollars per byte: the price as it stands
                bill += (end - begin) * as_decimal(tier.price_usd_per_gb)
                begin = end
        return round_nano(bill)


class LogPrice(Parameters):
    """What logs cost: taken in by volume, then kept.

    ingest: per GB taken in, by the month's volume; storage_usd_per_gb_month: USD for a GB kept a month (365.25 / 12
    days); retention_s: how long a log is kept; included_s: the first part of that time which the ingest price covers.
    """

    ingest: TieredPrice
    storage_usd_per_gb_month: UsdPerGbMonth
    retention_s: PositiveLongSeconds
    included_s: LongSeconds = 0.0  # most providers bill storage from the first hour (AWS CloudWatch, 2026-05)


class Price(Parameters):
    """The `price` node: network egress to the internet and logs, from one provider at one date."""

    name: str
    egress: TieredPrice
    logs: LogPrice
    source: str
