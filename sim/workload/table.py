"""Reads a table from a CSV or parquet file, chunk by chunk, with the row numbers a user would count."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.config import InputError
from sim.workload.block import Int64
from sim.workload.findings import LAST_ROW, Findings, unreadable

_CSV_BLOCK = 1 << 20
_PARQUET_ROWS = 131_072
_TAIL = 1 << 16  # bytes in which the first and the last line of a CSV are looked for
_PARQUET = b"PAR1"
_NOT_TEXT = (
    (b"\x1f\x8b", "compressed with gzip. Unpack it first: gunzip FILE."),
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet. Unpack it, or save the sheet as CSV."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd. Unpack it first: unzstd FILE."),
)


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some rows of a table. rows: row number of each; columns: a pyarrow array by column name."""

    rows: Int64
    columns: dict[str, Any]


class Table:
    """A CSV or parquet file, told apart by its first bytes."""

    def __init__(self, path: str) -> None:
        """path: as the user typed it, relative to the current folder. Raises InputError where it cannot be read."""
        self.path = path
        self._file = os.path.expanduser(path)
        head = self._head()
        self._parquet = head.startswith(_PARQUET)
        self.columns = self._parquet_columns() if self._parquet else self._csv_columns(head)
        twice = sorted({c for c in self.columns if self.columns.count(c) > 1})
        if twice:
            raise unreadable(path, "two columns have this name. Column names must differ.", twice[0])

    def chunks(self, names: list[str], findings: Findings) -> Iterator[Chunk]:
        """All rows, from first to last. Rows with too few or too many columns go to `findings`."""
        yield from self._parquet_chunks(names) if self._parquet else self._csv_chunks(findings)

    def ends(self, names: list[str], findings: Findings) -> Chunk:
        """The first and the last row alone; a single row once. Raises InputError where there are no rows."""
        return self._parquet_ends(names) if self._parquet else self._csv_ends(names, findings)

    def _head(self) -> bytes:
        try:
            with open(self._file, "rb") as file:
                head = file.read(_TAIL)
        except FileNotFoundError:
            raise unreadable(self.path, "no such file. Check the path; it is taken from the current folder.") from None
        except IsADirectoryError:
            raise unreadable(self.path, "a folder. Expected a CSV or parquet file.") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise unreadable(self.path, f"cannot be read: {reason}.") from None
        if not head.strip():
            raise unreadable(self.path, "the file is empty. Expected a CSV or parquet file with a header and rows.")
        return head

    # CSV ------------------------------------------------------------------------------------------------------------

    def _csv_columns(self, head: bytes) -> list[str]:
        for magic, message in _NOT_TEXT:
            if head.startswith(magic):
                raise unreadable(self.path, message)
        line = head.split(b"\n", 1)[0]
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = "\0"
        if b"\0" in head or "\0" in text:
            raise unreadable(self.path, "a binary file. Expected a CSV file (UTF-8 text) or a parquet file.")
        return [name.strip().strip('"') for name in text.rstrip("\r").split(",")]

    def _csv_chunks(self, findings: Findings) -> Iterator[Chunk]:
        bad: list[int] = []
        following, found = 2, False
        for batch in self._csv_batches(self._file, findings, bad):
            candidates = np.arange(following, following + batch.num_rows + len(bad), dtype=np.int64)
            rows = candidates[~np.isin(candidates, bad)][: batch.num_rows]
            if batch.num_rows:
                following = int(rows[-1]) + 1
            chunk = _without_blank_lines(rows, batch)
            found = found or len(chunk.rows) > 0
            yield chunk
        if not found and not bad:
            raise unreadable(self.path, "the file has a header and no rows.")

    def _csv_ends(self, names: list[str], findings: Findings) -> Chunk:
        with open(self._file, "rb") as file:
            lines = file.read(_TAIL).splitlines()
            file.seek(max(0, os.path.getsize(self._file) - _TAIL))
            tail = file.read().splitlines()
        body = [line for line in lines[1:] if line.strip()]
        last = [line for line in tail if line.strip()]
        if not body or not last:
            raise unreadable(self.path, "the file has a header and no rows.")
        whole = len(body) == 1 and os.path.getsize(self._file) <= _TAIL
        rows = body if whole else [body[0], last[-1]]
        ends = io.BytesIO(b"\n".join((lines[0], *rows, b"")))
        bad: list[int] = []
        batches = list(self._csv_batches(ends, findings, bad, {2: 2, 3: LAST_ROW}))
        findings.raise_if_any()
        columns = {n: batches[0].column(n) for n in names}
        return Chunk(np.array([2] if whole else [2, LAST_ROW], dtype=np.int64), columns)

    def _csv_batches(
        self, source: Any, findings: Findings, bad: list[int], label: dict[int, int] | None = None
    ) -> Iterator[Any]:
        """Record batches of text columns; numbers of malformed rows are appended to `bad`."""
        import pyarrow as pa
        from pyarrow import csv

        def malformed(row: Any) -> str:
            bad.append(row.number)
            number = label[row.number] if label else row.number
            count = f"{row.actual_columns} column{'' if row.actual_columns == 1 else 's'}"
            message = f"{count} where the header has {row.expected_columns}; a truncated line?"
            findings.row(number, None, row.text, message)
            return "skip" if len(bad) < 1000 else "error"

        try:
            # One thread, since only then are malformed rows numbered.
            yield from csv.open_csv(
                source,
                read_options=csv.ReadOptions(
                    use_threads=False, block_size=_CSV_BLOCK, column_names=self.columns, skip_rows=1
                ),
                parse_options=csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=malformed),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(self.columns, pa.string()), strings_can_be_null=False
                ),
            )  # fmt: skip
        except (pa.ArrowInvalid, OSError) as error:
            findings.raise_if_any()
            if "Empty CSV" in str(error):
                return
            raise unreadable(self.path, f"not a table of UTF-8 text: {_first_line(error)}.") from None

    # parquet --------------------------------------------------------------------------------------------------------

    def _open_parquet(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(self._file)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> InputError:
        return unreadable(self.path, f"a truncated or damaged parquet file: {_first_line(error)}.")

    def _parquet_columns(self) -> list[str]:
        with self._open_parquet() as file:
            if file.metadata.num_rows == 0:
                raise unreadable(self.path, "the file has columns and no rows.")
            return list(file.schema_arrow.names)

    def _parquet_chunks(self, names: list[str]) -> Iterator[Chunk]:
        import pyarrow as pa

        following = 1
        with self._open_parquet() as file:
            try:
                for batch in file.iter_batches(batch_size=_PARQUET_ROWS, columns=names):
                    rows = np.arange(following, following + batch.num_rows, dtype=np.int64)
                    following += batch.num_rows
                    yield Chunk(rows, {n: batch.column(n) for n in names})
            except (pa.ArrowException, OSError) as error:
                raise self._damaged(error) from None

    def _parquet_ends(self, names: list[str]) -> Chunk:
        import pyarrow as pa

        with self._open_parquet() as file:
            filled = [g for g in range(file.num_row_groups) if file.metadata.row_group(g).num_rows]
            try:
                first = next(file.iter_batches(batch_size=1, row_groups=filled[:1], columns=names))
                group = file.read_row_group(filled[-1], columns=names)
            except (pa.ArrowException, OSError) as error:
                raise self._damaged(error) from None
            n = file.metadata.num_rows
            last = group.slice(group.num_rows - 1, 1 if n > 1 else 0)
            both = pa.concat_tables([pa.Table.from_batches([first]), last.cast(first.schema)]).combine_chunks()
            rows = np.array([1, n] if n > 1 else [1], dtype=np.int64)
            return Chunk(rows, {name: both.column(name).combine_chunks() for name in names})


def _without_blank_lines(rows: Int64, batch: Any) -> Chunk:
    """Drop blank lines, which the CSV reader gives as rows of empty cells."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = {n: batch.column(n) for n in batch.schema.names}
    blank = np.ones(batch.num_rows, dtype=bool)
    for column in columns.values():
        blank &= pc.equal(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    if not blank.any():
        return Chunk(rows, columns)
    keep = pa.array(~blank)
    return Chunk(rows[~blank], {n: c.filter(keep) for n, c in columns.items()})


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["unknown reason"])[0].rstrip(".")
