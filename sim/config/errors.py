"""Errors a user can meet.

InputError   configuration or data is wrong: every problem of the input at once, exit code 2, nothing written
RunError     the run could not be finished (disk full, no permission, a broken law), exit code 3
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input.

    where:   key path ("workload.rate"), or file and row ("trace.csv, row 17")
    value:   what was given, as the user typed it; None when nothing was given
    message: what is wrong, what is allowed and what to type instead, as one or more sentences
    source:  file the value came from, "command line", or None
    """

    where: str
    value: object
    message: str
    source: str | None = None

    def __str__(self) -> str:
        value = "" if self.value is None else f" {_shown(self.value)}:"
        source = "" if self.source is None else f" ({self.source})"
        return f"{self.where}:{value} {self.message}{source}"


class InputError(Exception):
    """Configuration or data that cannot be simulated; carries every problem found."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(p) for p in problems))


class RunError(Exception):
    """A run that could not be finished; the message says what to do."""


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    if not text.strip():
        return repr(text)
    printable = "".join(c if c.isprintable() else "�" for c in text)
    return printable if len(printable) <= 80 else printable[:77] + "..."
