"""Parameters of routing: which replica of a pool an arrival goes to."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag
from pydantic_core import PydanticKnownError

from sim.config import Parameters
from sim.serving.own import OwnDiscipline

MIN_LOAD_BOUND = 1.05  # assumption: the walk past full replicas grows with 1/(bound - 1)^2 (Mirrokni et al. 2018)
MAX_LOAD_BOUND = 1e6  # assumption: above any number of replicas, and so no bound at all

Plain = Literal["least_outstanding", "round_robin", "shared_queue", "random", "power_of_two"]
"""To the replica with fewest requests queued or in service (ties: lowest replica), to the next in turn, to one queue
that all replicas of the pool take from, to any, or to the one with fewer requests out of two that are drawn (ties: the
lower; Mitzenmacher, "The power of two choices in randomized load balancing", 2001)."""


class Affinity(Parameters):
    """The same replica for the same key, as long as it is not too busy: consistent hashing with bounded loads.

    Replicas and keys have places on a circle, and a key belongs to the first replica at or after its own place that
    holds fewer than `load_bound` times the mean load, rounded up; so a replica that leaves moves no keys but its own.
    Where that is very far, as for a key that keeps a good part of the pool busy, it goes to the least busy one.
    by: what is hashed, the content that a request asks for (its key) or its tenant; a request without a key goes to the
    less busy of two. Source: Mirrokni, Thorup, Zadimoghaddam, "Consistent hashing with bounded loads", SODA 2018.
    """

    kind: Literal["affinity"] = "affinity"
    by: Literal["content", "tenant"] = "content"
    load_bound: Annotated[float, Field(ge=MIN_LOAD_BOUND, le=MAX_LOAD_BOUND)] = 1.25  # assumption


_CHOICES = (*get_args(Plain), "affinity")
_EXAMPLE = "{kind: affinity, by: content, load_bound: 1.25}"


def _shorthand(value: Any) -> Any:
    """A kind without options may stand alone (`routing: affinity`) or under its key (`{kind: round_robin}`)."""
    if isinstance(value, Affinity | OwnDiscipline):
        return value
    if value == "own":
        raise ValueError("own needs the name of a function. Type {kind: own, name: NAME}.")
    if not isinstance(value, Mapping):
        return {"kind": value} if _known(value) == "affinity" else value
    if "kind" not in value:
        raise ValueError(f"options without a kind. Type {_EXAMPLE}, or a name alone: {', '.join(get_args(Plain))}.")
    if value["kind"] not in (*_CHOICES, "own"):
        tags = ", ".join(f"'{choice}'" for choice in (*_CHOICES, "own"))
        context = {"discriminator": "'kind'", "tag": str(value["kind"]), "expected_tags": tags}
        raise PydanticKnownError("union_tag_invalid", context)
    if value["kind"] in get_args(Plain):
        if len(value) > 1:
            options = ", ".join(str(key) for key in value if key != "kind")
            raise ValueError(
                f"{value['kind']} has no options, and was given {options}. Type routing: {value['kind']}; affinity has "
                f"some: {_EXAMPLE}."
            )
        return value["kind"]
    return value


def _known(value: Any) -> str:
    if value not in _CHOICES:
        *others, last = (f"'{choice}'" for choice in _CHOICES)
        raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}"})
    return str(value)


def _tag(value: Any) -> Any:
    """Which member of the union judges a value: that of its kind, or the plain names."""
    if isinstance(value, Mapping):
        return value.get("kind")
    return value.kind if isinstance(value, Affinity | OwnDiscipline) else "plain"


Routing = Annotated[
    Annotated[Plain, Tag("plain")] | Annotated[Affinity, Tag("affinity")] | Annotated[OwnDiscipline, Tag("own")],
    Discriminator(_tag),
    BeforeValidator(_shorthand),
]
"""Where an arrival goes: a plain name, affinity with its options, or where a user's own function says."""
