"""Types of what a user says about a file: its path, its columns, its time zone."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError('not a time zone. Expected an IANA name such as "UTC" or "Europe/Paris".') from None
    return name


def _as_several(names: object) -> object:
    return (names,) if isinstance(names, str) else names


def _as_typed(names: tuple[str, ...]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)


TimeZone = Annotated[str, AfterValidator(_known_timezone)]
FilePath = Annotated[str, Field(min_length=1)]
Columns = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    Field(min_length=1, max_length=10),
    BeforeValidator(_as_several),
    PlainSerializer(_as_typed, when_used="json"),
]
"""Names of one column, of which a file has at least one; a single name may be typed as text."""
