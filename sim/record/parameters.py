"""Parameters of what is recorded."""

from typing import Literal

from sim.config import Parameters, PositiveSeconds


class Record(Parameters):
    """How finely a run is remembered.

    interval_s: length of a record window; requests: whether every request is written to requests.parquet.
    """

    interval_s: PositiveSeconds
    requests: Literal["none", "all"] = "none"
