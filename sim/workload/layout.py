"""Which columns of a data file hold what."""

from dataclasses import dataclass

from sim.config import InputError, Problem
from sim.workload.attributes import TraceKeys
from sim.workload.block import Int64
from sim.workload.cells import Bools, Offsets, seconds_ns, stamps_ns, whole_numbers
from sim.workload.contents import content_keys
from sim.workload.findings import Findings, unreadable
from sim.workload.parameters import CountsWorkload, FileWorkload, ReplayWorkload
from sim.workload.table import Chunk, Table

MOST_TOKENS = 2**31 - 1
MOST_REQUESTS = 10**12

_AZURE = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_OWN = "arrival (time stamp) or arrival_s (seconds since the start), and optionally prompt_tokens and output_tokens"


@dataclass(frozen=True)
class Layout:
    """Columns of a request trace.

    relative: whether times are seconds since the scenario's start; key: column of content keys, where one is wanted.
    """

    time: str
    relative: bool
    prompt: str | None
    output: str | None
    key: str | None
    unused: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Columns to read."""
        wanted = (self.time, self.prompt, self.output, self.key)
        return list(dict.fromkeys(n for n in wanted if n is not None))

    def times(self, chunk: Chunk, offsets: Offsets, findings: Findings) -> tuple[Int64, Bools]:
        """Nanoseconds (since the start where `relative`, since 1970 UTC otherwise), and which rows are good."""
        if self.relative:
            return seconds_ns(chunk, self.time, findings)
        return stamps_ns(chunk, self.time, offsets, findings)

    def tokens(self, chunk: Chunk, findings: Findings) -> tuple[Int64 | None, Int64 | None]:
        """Prompt and output tokens of each row, None where the trace has no such column."""
        prompt = whole_numbers(chunk, self.prompt, MOST_TOKENS, findings) if self.prompt else None
        output = whole_numbers(chunk, self.output, MOST_TOKENS, findings) if self.output else None
        return prompt, output

    def keys(self, chunk: Chunk, findings: Findings) -> Int64 | None:
        """Content key of each row, None where none are wanted."""
        return content_keys(chunk, self.key, findings) if self.key else None


def trace_layout(table: Table, workload: ReplayWorkload, where: str) -> Layout:
    """The layout of a request trace, known by its header and the workload's column of keys.

    where: key path of the workload. Raises InputError naming both formats, or the columns there are.
    """
    columns = table.columns
    prompt: str | None
    output: str | None
    if set(_AZURE) <= set(columns):
        time, relative, prompt, output = "TIMESTAMP", False, "ContextTokens", "GeneratedTokens"
    elif ("arrival" in columns) != ("arrival_s" in columns):
        time = "arrival" if "arrival" in columns else "arrival_s"
        relative = time == "arrival_s"
        prompt = "prompt_tokens" if "prompt_tokens" in columns else None
        output = "output_tokens" if "output_tokens" in columns else None
    else:
        raise unreadable(
            table.path,
            f"wrong columns. Expected those of the Azure LLM trace, {','.join(_AZURE)}, or our own: {_OWN}; separated "
            "by commas. See docs/data.md.",
            ",".join(columns),
        )
    key = workload.keys.column if isinstance(workload.keys, TraceKeys) else None
    if key is not None and key not in columns:
        raise InputError(_no_such_column(table, f"{where}.keys.column", key))
    unused = tuple(c for c in columns if c not in (time, prompt, output, key))
    return Layout(time, relative, prompt, output, key, unused)


def counts_columns(table: Table, workload: CountsWorkload, where: str) -> list[str]:
    """The time and the count column, each the first of its names that the file has.

    Raises InputError where it has none of them.
    """
    wanted = {"time_column": workload.time_column, "count_column": workload.count_column}
    found = {key: next((n for n in names if n in table.columns), None) for key, names in wanted.items()}
    problems = [
        _no_such_column(table, f"{where}.{key}", " or ".join(wanted[key]))
        for key, name in found.items()
        if name is None
    ]
    if problems:
        raise InputError(*problems)
    return [name for name in found.values() if name is not None]


def _no_such_column(table: Table, key: str, name: str) -> Problem:
    there_are = ", ".join(table.columns)
    return Problem(key, name, f"{table.path} has no such column. Its columns are: {there_are}. Type {key}=NAME.")


def file_path(workload: FileWorkload, where: str) -> str:
    """The workload's file. Raises InputError, saying what to type, where none is named."""
    if workload.path is None:
        raise InputError(
            Problem(
                f"{where}.path",
                None,
                f"this workload is read from a file and none is named; type {where}.path=FILE; see docs/data.md",
            )
        )
    return workload.path
