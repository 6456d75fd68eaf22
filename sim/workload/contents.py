"""Turns a trace's column of content keys into numbers, the same for equal cells in every file and on every machine."""

import hashlib

import numpy as np

from sim.workload.block import Int64
from sim.workload.cells import wrong_type
from sim.workload.findings import Findings
from sim.workload.table import Chunk

_63_BITS = 2**63 - 1


def content_keys(chunk: Chunk, name: str, findings: Findings) -> Int64:
    """int64[n], 0 or more: keys of a column of text or whole numbers; empty cells are told.

    The key of a cell is 63 bits of the BLAKE2b digest of its text, a whole number's being its decimal digits, so that
    CSV and parquet mean the same. Of a million contents two share a key with probability 5e-8.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = chunk.columns[name]
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise wrong_type(findings, name, kind, "text or whole numbers")
    text = column.cast(pa.string()).fill_null("")
    empty = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(text)), 0).to_numpy(zero_copy_only=False)
    findings.rows(empty, chunk.rows, name, column, "no content key. Expected text or a whole number in every row.")
    distinct = text.dictionary_encode()
    hashes = np.array([_hash(cell) for cell in distinct.dictionary.to_pylist()], dtype=np.int64)
    return np.asarray(hashes[distinct.indices.to_numpy(zero_copy_only=False)], dtype=np.int64)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") & _63_BITS
