"""Parts of a scenario that may be switched off, and the words for how a phase is served."""

from typing import Any, Final

SERVED: Final = {
    "api": "rented API",
    "managed": "managed endpoint",
    "pool": "own machines",
    "committed": "committed machines",
}
"""How a phase is served, in words that need no glossary: the keys are those of `phases.<name>.serving`."""


def node(of: object, name: str) -> Any | None:
    """The node `name` of a workload, pool, phase or scenario; None where it is absent or of kind none."""
    found = getattr(of, name, None)
    return None if found is None or getattr(found, "kind", "") == "none" else found


def served(mode: str) -> str:
    """Who serves, for a reader: a mode that has no words of its own is told as it is typed."""
    return SERVED.get(mode, mode)
