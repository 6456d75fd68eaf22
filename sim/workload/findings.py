"""What is wrong with a data file, row by row."""

import sys
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sim.config import InputError, Problem

SHOWN = 20
LAST_ROW = -1  # row number of the last row where the rows before it have not been counted


class Cells(Protocol):
    """A column, of which only the cells that are told are looked at."""

    def __getitem__(self, i: int, /) -> object: ...


class Findings:
    """Collects the problems of one file; the first 20 are told, the others counted."""

    def __init__(self, path: str) -> None:
        """path: as the user typed it."""
        self.path = path
        self.count = 0
        self._problems: list[tuple[int, Problem]] = []  # with the row to sort by

    def row(self, row: int, column: str | None, value: object, message: str) -> None:
        """One row is wrong; row numbers count as an editor does, the header of a CSV being row 1."""
        place = "last row" if row == LAST_ROW else f"row {row}"
        where = f"{self.path}, {place}" + (f", column {column}" if column else "")
        self._add(sys.maxsize if row == LAST_ROW else row, Problem(where, value, message))

    def rows(self, bad: NDArray[np.bool_], rows: NDArray[np.int64], column: str, values: Cells, message: str) -> None:
        """All rows marked in `bad` are wrong in the same way; values: the column as the file has it."""
        indices = np.flatnonzero(bad)
        told = indices[: SHOWN - len(self._problems)]
        for i in told:
            self.row(int(rows[i]), column, shown(values[int(i)]), message)
        self.count += len(indices) - len(told)

    def raise_if_any(self) -> None:
        """Raise InputError with everything found so far."""
        if self.count == 0:
            return
        more = self.count - len(self._problems)
        rest = [Problem(self.path, None, f"... and {more:,} more.")] if more else []
        told = sorted(self._problems, key=lambda found: found[0])
        raise InputError(*(problem for _, problem in told), *rest)

    def _add(self, row: int, problem: Problem) -> None:
        self.count += 1
        if len(self._problems) < SHOWN:
            self._problems.append((row, problem))


def unreadable(path: str, message: str, value: object = None) -> InputError:
    """The error for a file that cannot be read at all."""
    return InputError(Problem(path, value, message))


def shown(value: object) -> object:
    """A cell as a person would read it: plain Python instead of Arrow scalars, NaN and null by name."""
    plain = value.as_py() if hasattr(value, "as_py") else value
    return "nothing" if plain is None or plain == "" else str(plain)
