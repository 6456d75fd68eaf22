"""Parameters of availability zones: where a pool's replicas stand, and what it costs to cross from one to another."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from sim.config import Bytes, Parameters, Seconds, UsdPerGb

MAX_ZONES = 26  # assumption: above the zones of any region (AWS us-east-1 has six)
ZoneName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class Zones(Parameters):
    """Availability zones that a pool's replicas stand in, in turn; requests come from each of them alike.

    names: at least two; latency_s: one way between two of them, so that an answer from another zone takes twice that
    longer; price_usd_per_gb: of what crosses; request_bytes: what a request brings along (what it takes back
    is the workload's `response`); prefer_own: whether the router chooses among the replicas of a request's own zone
    while one is ready there, which routing random and power_of_two can.
    """

    names: Annotated[tuple[ZoneName, ...], Field(max_length=MAX_ZONES)]
    # AWS, global infrastructure: zones of a region lie within 100 km; light in fibre takes that long
    latency_s: Seconds = 0.5e-3
    # AWS, EC2 on-demand pricing, data transfer between availability zones: 0.01 USD/GB out of one and as much into the
    # other
    price_usd_per_gb: UsdPerGb = 0.02
    request_bytes: Bytes = 2e3  # assumption: as much as a typical answer
    prefer_own: bool = False

    @model_validator(mode="after")
    def _several(self) -> Self:
        if len(set(self.names)) < max(2, len(self.names)):
            raise ValueError("zones need at least two names, no two alike. Type names: [a, b, c], or zones: null.")
        return self
