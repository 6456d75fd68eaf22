"""Parameters of what is recorded."""

from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from sim.config import Parameters, PositiveSeconds
from sim.config.units import SHARE, format_quantity, parse_quantity

_WORDS = {"none": 0.0, "all": 1.0}


def _share(value: object) -> float:
    if isinstance(value, str) and value.strip() in _WORDS:
        return _WORDS[value.strip()]
    try:
        share = parse_quantity(value, SHARE, "", "", bare=True)
    except ValueError:
        raise ValueError('not a choice. Type none, all, or the share of requests to keep, such as "1 %".') from None
    if not 0.0 <= share <= 1.0:
        raise ValueError('out of range. Type none, all, or a share of at most 100 %, such as "1 %".')
    return share


def _text(share: float) -> str | int | float:
    words = {number: word for word, number in _WORDS.items()}
    return words.get(share) or format_quantity(share, SHARE, ("%",))


class Record(Parameters):
    """How finely a run is remembered.

    interval_s: length of a record window; requests: share of requests that requests.parquet holds (typed none, all or
    "1 %"), drawn by request, so that no policy changes whose requests they are.
    """

    interval_s: PositiveSeconds
    requests: Annotated[float, BeforeValidator(_share), PlainSerializer(_text, when_used="json")] = 0.0
