"""Parameters of the request path: the pay-per-request API."""

from sim.config import Parameters, PositiveSeconds, Spread, Usd, UsdPerMtok


class ApiLatency(Parameters):
    """Latency of a hosted API as the client sees it: lognormal with this median (s) and coefficient of variation."""

    median_s: PositiveSeconds
    cv: Spread


class Api(Parameters):
    """A model rented by the request: latency without queueing, and a price per request and per million tokens."""

    name: str
    latency: ApiLatency
    request_usd: Usd
    prompt_usd_per_mtok: UsdPerMtok
    output_usd_per_mtok: UsdPerMtok
    source: str
