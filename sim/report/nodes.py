"""The words for how a phase is served."""

from typing import Final

SERVED: Final = {
    "api": "rented API",
    "managed": "managed endpoint",
    "pool": "own machines",
    "committed": "committed machines",
}
"""How a phase is served, in words that need no glossary: the keys are those of `phases.<name>.serving`."""


def served(mode: str) -> str:
    """Who serves, for a reader: a mode that has no words of its own is told as it is typed."""
    return SERVED.get(mode, mode)
