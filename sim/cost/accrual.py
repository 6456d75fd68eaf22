"""From use to ledger lines: machine time, caches, API fees, tiered volumes and stored logs, accrued at each day's end
and at each phase boundary. The caller knows the calendar: it says when a civil month begins.
"""

import math
from collections import deque
from typing import NamedTuple, Unpack

from sim.clock.calendar import MONTH_S
from sim.cost.ledger import Labels, Ledger
from sim.cost.money import product_nano, to_usd
from sim.cost.prices import BYTES_PER_GB, LogPrice, TieredPrice

_SLACK_S = 1e-6  # billed and busy time are sums of floats


class Charge(NamedTuple):
    """What an accrual of volume costs: GB and nano-dollars."""

    quantity_gb: float
    amount_nano: int


class ApiUse(NamedTuple):
    """What was used of an API: requests, prompt tokens, output tokens (counts)."""

    requests: float
    prompt_tokens: float
    output_tokens: float


class ApiPrice(NamedTuple):
    """What an API charges: USD per request, per million prompt tokens, per million output tokens."""

    request_usd: float
    prompt_usd_per_mtok: float
    output_usd_per_mtok: float


class TieredMeter:
    """A volume under a tiered price, counted over the civil month."""

    def __init__(self, price: TieredPrice) -> None:
        self.price = price
        self.month_bytes = 0
        self._billed_nano = 0

    def accrue(self, volume_bytes: float) -> Charge:
        """Add a volume (bytes, rounded to whole ones) and charge it.

        The amount is the difference of the month's bill before and after, so that a month's charges add up to its bill
        to the nano-dollar, however they are cut. Raises ValueError when negative.
        """
        if not volume_bytes >= 0:
            raise ValueError(f"a volume of {volume_bytes} bytes cannot be billed")
        self.month_bytes += round(volume_bytes)
        bill = self.price.bill_nano(self.month_bytes)
        charge = Charge(round(volume_bytes) / BYTES_PER_GB, bill - self._billed_nano)
        self._billed_nano = bill
        return charge

    def reprice(self, price: TieredPrice) -> None:
        """Charge what comes from now on by another price, in the tier that the month's volume so far has reached."""
        self.price = price
        self._billed_nano = price.bill_nano(self.month_bytes)

    def new_month(self) -> None:
        """Begin the next civil month: the free volume and the lowest tier are there again."""
        self.month_bytes = 0
        self._billed_nano = 0


class LogStorage:
    """Logs kept for their retention; accrues GB-months by time.

    A volume is taken in evenly over its accrual period, is free for `included_s`, and leaves byte by byte after
    `retention_s`.
    """

    def __init__(self, price: LogPrice) -> None:
        self.price = price
        self._kept: deque[tuple[float, float, float]] = deque()  # taken in from, until (s), bytes
        self._until_s = 0.0

    def accrue(self, end_s: float, ingested_bytes: float) -> float:
        """Take in a volume (bytes) over the time since the last accrual (or the start) and return the GB-months that
        all kept volumes accrued in that time. Raises ValueError when time runs backwards or the volume is negative.
        """
        begin_s = self._until_s
        if end_s < begin_s or not ingested_bytes >= 0:
            raise ValueError(f"{ingested_bytes} bytes of logs from {begin_s} s to {end_s} s cannot be accrued")
        if ingested_bytes > 0:
            self._kept.append((begin_s, end_s, float(ingested_bytes)))
        byte_s = math.fsum(
            volume * (self._charged_s(a, b, end_s) - self._charged_s(a, b, begin_s)) for a, b, volume in self._kept
        )
        while self._kept and self._kept[0][1] + self.price.retention_s <= end_s:
            self._kept.popleft()
        self._until_s = end_s
        return byte_s / (BYTES_PER_GB * MONTH_S)

    def reprice(self, price: LogPrice) -> None:
        """Charge and keep by another price and retention from the last accrual on."""
        self.price = price

    def _charged_s(self, a: float, b: float, t: float) -> float:
        """Charged storage time by `t` of one byte taken in at a time uniform over [a, b], on average (s)."""
        included, retention = self.price.included_s, self.price.retention_s
        return _ramp(t - included, a, b) - _ramp(t - retention, a, b) if included < retention else 0.0


def _ramp(t: float, a: float, b: float) -> float:
    """Mean time since being taken in, by `t`, of bytes taken in evenly over [a, b]; none before a."""
    if t <= a:
        return 0.0
    return t - (a + b) / 2 if t >= b else (t - a) ** 2 / (2 * (b - a))


def volume_line(
    ledger: Ledger, at_s: float, account: str, meter: TieredMeter, volume_bytes: float, phase: str,
    **labels: Unpack[Labels],
) -> None:  # fmt: skip
    """Post a volume under a tiered price (egress, log ingest); its unit price is what a GB cost on average."""
    charge = meter.accrue(volume_bytes)
    if charge.quantity_gb > 0:
        price = to_usd(charge.amount_nano) / charge.quantity_gb
        ledger.post(
            at_s, account, "variable", charge.quantity_gb, "GB", price, phase, amount_nano=charge.amount_nano, **labels
        )


def log_lines(
    ledger: Ledger, at_s: float, ingest: TieredMeter, storage: LogStorage, volume_bytes: float, phase: str,
    **labels: Unpack[Labels],
) -> None:  # fmt: skip
    """Post the logs (bytes) taken in since the last accrual and the storage of all that is kept."""
    volume_line(ledger, at_s, "observability.log_ingest", ingest, volume_bytes, phase, **labels)
    gb_months = storage.accrue(at_s, volume_bytes)
    if gb_months > 0:
        price = storage.price.storage_usd_per_gb_month
        ledger.post(at_s, "observability.log_storage", "variable", gb_months, "GB-month", price, phase, **labels)


def machine_lines(
    ledger: Ledger, at_s: float, billed_s: float, busy_s: float, price_usd_per_h: float, phase: str,
    covered_s: float = 0.0, **labels: Unpack[Labels],
) -> None:  # fmt: skip
    """Post billed machine time (s) as busy and idle lines, those of machines under a commitment apart; the hours of
    all four add up to it.

    covered_s: time of the first replicas, those under a commitment: it costs nothing here, as the commitment itself is
    a line of its own. Which of the machines were busy is not told apart, so that covered time, and what is left of the
    bill, each split into busy and idle in the proportion of all machines; busy and idle on demand add up to the bill of
    the time left, to the nano-dollar. Raises ValueError when time is negative or machines were busy or covered longer
    than they were billed.
    """
    most_s = billed_s * (1 + 1e-12) + _SLACK_S
    if not (0 <= busy_s <= most_s and 0 <= covered_s <= most_s):
        covered = f" and covered for {covered_s} s" if covered_s else ""
        raise ValueError(f"machines busy for {busy_s} s{covered} of {billed_s} s billed, by {at_s} s ({phase})")
    covered_s, busy_s = min(covered_s, billed_s), min(busy_s, billed_s)
    covered_busy_s = busy_s * (covered_s / billed_s) if covered_s else 0.0
    paid_s, busy_s = billed_s - covered_s, busy_s - covered_busy_s
    bill = product_nano(paid_s / 3600, price_usd_per_h)
    busy_h = min(busy_s, paid_s) / 3600
    busy = min(product_nano(busy_h, price_usd_per_h), bill)
    for part, hours, price, nano in (
        ("busy", busy_h, price_usd_per_h, busy),
        ("idle", max(paid_s - busy_s, 0.0) / 3600, price_usd_per_h, bill - busy),
        ("covered_busy", covered_busy_s / 3600, 0.0, 0),
        ("covered_idle", max(covered_s - covered_busy_s, 0.0) / 3600, 0.0, 0),
    ):
        if hours > 0 or nano:
            ledger.post(
                at_s, f"serving.machine.{part}", "variable", hours, "h", price, phase, amount_nano=nano, **labels
            )


def cache_line(
    ledger: Ledger, at_s: float, span_s: float, gb: float, price_usd_per_gb_h: float, phase: str,
    **labels: Unpack[Labels],
) -> None:  # fmt: skip
    """Post the memory of a cache, `gb` GB (1e9 bytes) provisioned over the `span_s` seconds that end at `at_s`.

    Raises ValueError when time or memory is negative.
    """
    if not (span_s >= 0 and gb >= 0):
        raise ValueError(f"a cache of {gb} GB cannot be billed for {span_s} s, by {at_s} s ({phase})")
    if span_s > 0 and gb > 0 and price_usd_per_gb_h > 0:
        ledger.post(at_s, "cache", "variable", gb * span_s / 3600, "GB-h", price_usd_per_gb_h, phase, **labels)


def api_lines(ledger: Ledger, at_s: float, used: ApiUse, price: ApiPrice, phase: str, **labels: Unpack[Labels]) -> None:
    """Post the fees of a pay-per-request API: requests, prompt tokens and output tokens, each where it has a price."""
    line = labels.copy()
    sku = labels.get("sku", "")
    for what, quantity, unit, unit_price_usd in (
        ("request", used.requests, "request", price.request_usd),
        ("prompt", used.prompt_tokens / 1e6, "Mtok", price.prompt_usd_per_mtok),
        ("output", used.output_tokens / 1e6, "Mtok", price.output_usd_per_mtok),
    ):
        if quantity < 0:
            raise ValueError(f"{quantity} {unit} of {what} cannot be billed, by {at_s} s ({phase})")
        if quantity > 0 and unit_price_usd > 0:
            line["sku"] = f"{sku}.{what}" if sku else what
            ledger.post(at_s, "serving.api", "variable", quantity, unit, unit_price_usd, phase, **line)
