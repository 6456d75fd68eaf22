"""Parameters of what single requests carry: the content they ask for, and the tenant who asks."""

from typing import Annotated, Literal

from pydantic import Field

from sim.config import Count, NonNegative, Parameters, Share

MAX_CATALOGUE = 10_000_000  # 120 MB of tables, see sim/workload/zipf.py
MAX_TENANTS = 100_000  # assumption: as many customers as one product throttles one by one
MAX_EXPONENT = 10.0  # assumption: from about 4 on nearly all requests ask for the first rank

Exponent = Annotated[NonNegative, Field(le=MAX_EXPONENT)]


class UniqueKeys(Parameters):
    """No request asks for what another asked for; a response cache never hits."""

    kind: Literal["unique"] = "unique"


class ZipfKeys(Parameters):
    """Requests ask for the contents of a catalogue, rank r with probability proportional to r ** -exponent.

    catalogue: contents at any time; exponent: 0 makes all equally popular; drift: share of the ranks whose content is
    replaced by a new one each day, on a rolling basis (typed as a share, "1 %").
    """

    kind: Literal["zipf"] = "zipf"
    catalogue: Annotated[Count, Field(ge=1, le=MAX_CATALOGUE)] = 100_000  # assumption
    # assumption: Zipf's own; web proxies have 0.64 to 0.83 (Breslau et al., Web caching and Zipf-like distributions,
    # INFOCOM 1999)
    exponent: Exponent = 1.0
    drift: Share = 0.0  # assumption: none


class TraceKeys(Parameters):
    """A column of the replayed trace says what each request asks for; equal cells are equal content.

    column: of text or whole numbers.
    """

    kind: Literal["trace"] = "trace"
    column: Annotated[str, Field(min_length=1)] = "key"  # documented name, docs/data.md


Keys = Annotated[UniqueKeys | ZipfKeys | TraceKeys, Field(discriminator="kind")]


class Tenants(Parameters):
    """Who asks: tenant i of `count` with probability proportional to (i + 1) ** -exponent, request by request."""

    count: Annotated[Count, Field(ge=1, le=MAX_TENANTS)] = 1  # assumption: all requests have one account
    exponent: Exponent = 1.0  # assumption: as skewed as contents
