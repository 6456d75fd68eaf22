"""Parameters of what a cloud does to a pool: limits, stock-outs, spot machines taken back, failures, lost zones."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from sim.config import Count, NonNegative, Parameters, Positive, PositiveLongSeconds, Seconds, Share
from sim.fleet.times import Times
from sim.policy.bounds import MAX_REPLICAS

MOST_PER_MONTH = 10_000  # assumption: one every few minutes is no incident any more, as of incidents
OftenPerMonth = Annotated[NonNegative, Field(le=MOST_PER_MONTH)]


class StockOuts(Parameters):
    """Times in which no machine of the kind can be had; those there are stay.

    per_month: mean number of starts in 365.25 / 12 days, as a Poisson process; duration_s: of each. Requests wait in
    the order in which they came.
    """

    per_month: Annotated[Positive, Field(le=MOST_PER_MONTH)]
    duration_s: PositiveLongSeconds


class Supply(Parameters):
    """How many machines can be had. quota: that exist at once, at most (None: no limit)."""

    quota: Annotated[Count, Field(ge=1, le=MAX_REPLICAS)] | None = None  # assumption: none
    stock_outs: StockOuts | None = None  # assumption: none


class Waves(Times):
    """Times at which a zone's spot capacity is wanted elsewhere.

    per_month: mean number in a zone, as a Poisson process; share: of the zone's spot machines that get notice at once,
    each drawn by itself. At the times of `Times` there is one in every zone besides.
    """

    per_month: Annotated[Positive, Field(le=MOST_PER_MONTH)]
    share: Share = 0.5  # assumption


def _not_free(discount: float) -> float:
    if discount >= 1.0:
        raise ValueError('machines for nothing. It must be less than 100 %, such as "60 %".')
    return discount


class Spot(Parameters):
    """Machines on spot terms: cheap, and taken back when the cloud wants them.

    share: of the pool's machines, at most; discount: off the on-demand price; interruptions_per_month: mean number a
    machine and month, as a Poisson process; notice_s: between notice and the end; waves: correlated by zone (None: a
    machine is taken back by itself alone). A machine taken back drains from its notice on.
    """

    share: Share
    discount: Annotated[Share, AfterValidator(_not_free)] = 0.6  # 50 to 70 % are typical (secondary sources)
    interruptions_per_month: OftenPerMonth = 0.05  # AWS Spot Instance Advisor's best class: fewer than 5 % a month
    notice_s: Seconds = 120.0  # AWS EC2 user guide, spot instance interruption notices: two minutes
    waves: Waves | None = None  # assumption: none


ZoneName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class ZoneLosses(Times):
    """Times at which a whole zone is lost: its machines fail, and it has none to give until it is back.

    per_month: mean number in a zone beside the times of `Times`, as a Poisson process; duration_s: of each; zone: the
    one that is lost at those times (None: the first one of pool.zones). A pool without zones stands in one, and loses
    everything.
    """

    per_month: OftenPerMonth = 0.0
    duration_s: PositiveLongSeconds = 3600.0  # assumption: an hour
    zone: ZoneName | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.timed and not self.per_month:
            raise ValueError(
                "no zone is ever lost. Type zone_losses.at: [30 d], zone_losses.at_share: 50 %, zone_losses.at_peak: "
                "true, or zone_losses.per_month: 0.05."
            )
        return self


_SHORTEST_LIFE_S = 60.0  # assumption: machines that live for less than a minute are none, and each is an event


def _lives_a_while(seconds: float) -> float:
    if seconds < _SHORTEST_LIFE_S:
        raise ValueError('out of range. It must be at least 1 min, such as "200 d"; null means never.')
    return seconds


class Failures(Parameters):
    """Machines that fail without notice. mtbf_s: mean time between failures of a machine, exponential (None: never);
    repair_s: for so long after, its place counts against the quota; zone_losses: whole zones.
    """

    mtbf_s: Annotated[PositiveLongSeconds, AfterValidator(_lives_a_while)] | None = None
    repair_s: Seconds = 0.0  # assumption: a cloud gives another machine at once
    zone_losses: ZoneLosses | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.mtbf_s is None and self.zone_losses is None:
            raise ValueError("nothing ever fails. Type failures.mtbf: 200 d, or failures.zone_losses.at: [30 d].")
        return self


Trouble = Literal["spot", "failure", "zone"]
"""Why a machine is taken away."""
