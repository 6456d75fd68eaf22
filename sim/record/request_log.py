"""The request log: requests as they end, in row groups of a parquet file that grows while the run goes on."""

import os
import secrets
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

ROWS = 1 << 17  # of a row group, held in memory until it is full: 6 MB
_NAMED = ("workload", "outcome")  # columns of numbers that stand for names


class RequestLog:
    """Requests in columns: a row group or so in memory, all others in a file that nobody else sees.

    The file is begun when the first row group is full, so that a short run writes nothing, and it goes when the log
    does. Row groups follow each other as requests end; within one they lie by workload and request.
    """

    def __init__(
        self, entry: np.dtype[Any], workloads: list[str], outcomes: tuple[str, ...], folder: Path | None = None
    ) -> None:
        """entry: of a request, with `request`, `workload`, `outcome` and what else is known of it; workloads, outcomes:
        names in the order of their numbers; folder: where the file grows (None: in one of the system's).
        """
        self._entry, self._folder = entry, folder
        self._names = dict(zip(_NAMED, (list(workloads), list(outcomes)), strict=True))
        self._tail: list[NDArray[Any]] = []
        self._spool: _Spool | None = None
        self._loaded: Any = None  # a table, in the log's copy in another process

    def __getstate__(self) -> dict[str, Any]:
        """Whole and without a file, for another process."""
        return {**self.__dict__, "_loaded": self._whole(), "_spool": None, "_tail": [], "_folder": None}

    def add(self, entries: NDArray[Any]) -> None:
        """Take requests that have ended. Raises OSError (disk full, no permission)."""
        if len(entries):
            self._tail.append(entries)
        if sum(map(len, self._tail)) >= ROWS:
            if self._spool is None:
                self._spool = _Spool(self._folder, self._table([]).schema)
            self._write_tail(self._spool)

    def close(self) -> None:
        """The run is over: the log can be read and saved, and takes no more. Raises OSError."""
        if self._spool is not None:
            self._write_tail(self._spool)
            self._spool.close()

    def discard(self) -> None:
        """Leave nothing behind, whatever has been written."""
        if self._spool is not None:
            self._spool.remove()

    def frame(self) -> "pd.DataFrame":
        """A row a request, by workload and request: request, workload, outcome, and the other columns of an entry."""
        import pandas as pd

        frame: pd.DataFrame = self._whole().to_pandas()
        workload = pd.Categorical(frame["workload"], categories=self._names["workload"]).codes
        frame = frame.iloc[np.lexsort((frame["request"].to_numpy(), workload))]
        return frame.reset_index(drop=True).astype(dict.fromkeys(_NAMED, "str"))

    def save(self, path: Path) -> None:
        """Put the log at `path`, where nothing is. Raises OSError; what it leaves then is the caller's to remove."""
        if self._spool is not None:
            self._spool.put(path)
            return
        with _writer(path, self._table([]).schema) as writer:
            writer.write_table(self._whole())

    def _write_tail(self, spool: "_Spool") -> None:
        """One row group of all that is in memory."""
        if self._tail:
            spool.writer.write_table(self._table(self._tail), row_group_size=sum(map(len, self._tail)))
            self._tail = []

    def _whole(self) -> Any:
        """Everything as one table of arrow."""
        import pyarrow as pa

        before = [self._loaded] if self._loaded is not None else [self._spool.read()] if self._spool else []
        return pa.concat_tables([*before, self._table(self._tail)])

    def _table(self, parts: list[NDArray[Any]]) -> Any:
        """Entries as a table of arrow, by workload and request."""
        import pyarrow as pa

        entries = np.concatenate([np.empty(0, self._entry), *parts])
        entries = entries[np.lexsort((entries["request"], entries["workload"]))]
        columns = {name: pa.array(np.ascontiguousarray(entries[name])) for name in self._entry.names or ()}
        for name, names in self._names.items():
            columns[name] = pa.array(names, pa.string()).take(columns[name])
        return pa.table(columns)


class _Spool:
    """A parquet file while it is written: under a name of its own, and gone when nobody holds it any more."""

    def __init__(self, folder: Path | None, schema: Any) -> None:
        private = Path(tempfile.gettempdir()) / f"poc2scale-{secrets.token_hex(8)}"
        place = folder or private
        made = [p for p in (place, *place.parents) if not p.exists()]
        place.mkdir(mode=0o777 if folder else 0o700, parents=True, exist_ok=True)
        self.path = place / f".requests.partial-{os.getpid()}-{secrets.token_hex(4)}"
        self._finalizer = weakref.finalize(self, _remove, self.path, made)
        self.writer = _writer(self.path, schema)

    def close(self) -> None:
        """The file is whole."""
        self.writer.close()

    def read(self) -> Any:
        """The whole file as a table."""
        import pyarrow.parquet as pq

        return pq.read_table(self.path)

    def put(self, path: Path) -> None:
        """A second name for the file, or a copy where the file system gives it none."""
        try:
            os.link(self.path, path)
        except OSError:
            shutil.copyfile(self.path, path)

    def remove(self) -> None:
        """Remove the file, and the folders that were made for it and are empty."""
        with suppress(Exception):  # a disk that is full refuses the last rows once more
            self.writer.close()
        self._finalizer()


def _writer(path: Path, schema: Any) -> Any:
    """A parquet writer: times and ids as differences from row to row (a third of the time and half of the room)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    long = [field.name for field in schema if field.type == pa.int64()]
    return pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=[name for name in schema.names if name not in long],
        column_encoding=dict.fromkeys(long, "DELTA_BINARY_PACKED"),
    )  # fmt: skip


def _remove(path: Path, made: list[Path]) -> None:
    path.unlink(missing_ok=True)
    for folder in made:
        with suppress(OSError):  # somebody else has put something there
            folder.rmdir()
