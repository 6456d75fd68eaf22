"""Turns the cells of a column into numbers: whole numbers, time stamps, seconds; exact, with every bad row found."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock.calendar import NS_PER_S
from sim.config import InputError
from sim.workload.block import Float64, Int64
from sim.workload.findings import Findings, unreadable
from sim.workload.table import Chunk

_WHOLE = r"^\s*(?P<digits>\d{1,18})(?:\.0*)?\s*$"
_DATE = r"(?:19|20|21)\d\d-\d\d-\d\d"
_STAMP = (
    rf"^\s*(?P<civil>{_DATE}(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?)?) ?(?P<offset>Z|[+-]\d\d:?\d\d(?::?00)?)?\s*$"
)
_SECONDS = r"^\s*(?P<whole>\d{1,9})(?:\.(?P<part>\d*))?\s*$"
_EXAMPLE = '"2023-11-16 18:15:46.680590" (UTC unless timezone says otherwise) or "2023-11-16T18:15:46Z"'
_LARGEST_S = 4e9  # 126 years; the clock's nanoseconds end at 146

Bools = NDArray[np.bool_]


def whole_numbers(chunk: Chunk, name: str, largest: int, findings: Findings) -> Int64:
    """int64[n] of a column of whole numbers from 0 to `largest`; a bad cell is told and read as 0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = chunk.columns[name]
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = np.nan_to_num(_floats(column), nan=-1.0, posinf=-1.0, neginf=-1.0)
        bad = (numbers < 0) | (numbers != np.floor(numbers)) | (numbers > largest)
        values = np.where(bad, 0.0, numbers).astype(np.int64)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        digits = pc.struct_field(pc.extract_regex(column, _WHOLE), "digits")
        values = digits.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        bad = (values < 0) | (values > largest)
        values = np.where(bad, 0, values)
    else:
        raise wrong_type(findings, name, kind, "whole numbers")
    if bad.any():
        message = f"not a whole number from 0 to {largest:,}. Expected one such as 12."
        findings.rows(bad, chunk.rows, name, column, message)
    return values


@dataclass
class Offsets:
    """How a file's time stamps say their zone: all the same way, or not at all.

    timezone: zone of those that do not say.
    """

    timezone: str
    seen: str | None = None
    row: int = 0


def stamps_ns(chunk: Chunk, name: str, offsets: Offsets, findings: Findings) -> tuple[Int64, Bools]:
    """Nanoseconds since 1970 UTC of a column of time stamps, and which of them are good; bad ones are told."""
    import pyarrow as pa

    column = chunk.columns[name]
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text_stamps(chunk, name, offsets, findings)
    if pa.types.is_date(kind):
        column, kind = column.cast(pa.timestamp("s")), pa.timestamp("s")
    if not pa.types.is_timestamp(kind):
        raise wrong_type(findings, name, kind, f"time stamps such as {_EXAMPLE}")
    good = column.is_valid().to_numpy(zero_copy_only=False)
    per_unit = {"s": NS_PER_S, "ms": 1_000_000, "us": 1000, "ns": 1}[kind.unit]
    values = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    good &= np.abs(values) < 2**62 // per_unit
    findings.rows(~good, chunk.rows, name, column, f"not a time stamp. Expected one such as {_EXAMPLE}.")
    ns = np.where(good, values, 0) * per_unit
    return (ns, good) if kind.tz else _localised(ns, good, chunk, name, offsets.timezone, findings)


def _text_stamps(chunk: Chunk, name: str, offsets: Offsets, findings: Findings) -> tuple[Int64, Bools]:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = chunk.columns[name]
    parts = pc.extract_regex(column, _STAMP)
    good = parts.is_valid().to_numpy(zero_copy_only=False)
    civil = pc.struct_field(parts, "civil").fill_null("1970-01-01")
    impossible = _uncastable(civil, 0)  # 30 February, 25 o'clock
    if impossible:
        good = good.copy()
        good[impossible] = False
        civil = pc.if_else(pa.array(good), civil, "1970-01-01")
    findings.rows(~good, chunk.rows, name, column, f"not a time stamp. Expected one such as {_EXAMPLE}.")
    ns = civil.cast(pa.timestamp("ns")).cast(pa.int64()).to_numpy(zero_copy_only=False)
    written = pc.struct_field(parts, "offset").fill_null("")
    good = _one_offset(written, good, chunk, name, offsets, findings)
    if offsets.seen:
        return ns - _offset_ns(offsets.seen), good
    return _localised(ns, good, chunk, name, offsets.timezone, findings)


def _one_offset(written: Any, good: Bools, chunk: Chunk, name: str, offsets: Offsets, findings: Findings) -> Bools:
    """Mark rows whose offset differs from the file's first: files glued together from different zones are common."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not good.any():
        return good
    first = int(np.flatnonzero(good)[0])
    if offsets.seen is None:
        offsets.seen, offsets.row = written[first].as_py(), int(chunk.rows[first])
    same = good.copy()
    for text in pc.unique(written.filter(pa.array(good))).to_pylist():
        if _differs(text, offsets.seen):
            same &= ~pc.equal(written, text).to_numpy(zero_copy_only=False)
    said = f"offset {offsets.seen}" if offsets.seen else "no offset"
    message = (
        f"mixed time zones: row {offsets.row} has {said}. Write all time stamps with the same offset, "
        "in UTC for instance."
    )
    findings.rows(good & ~same, chunk.rows, name, chunk.columns[name], message)
    return same


def _differs(a: str, b: str) -> bool:
    return bool(a) != bool(b) or (bool(a) and _offset_ns(a) != _offset_ns(b))


def _offset_ns(text: str) -> int:
    """ "+02:00" or "Z" -> nanoseconds east of UTC."""
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60
    return (-seconds if text[0] == "-" else seconds) * NS_PER_S


def _localised(
    ns: Int64, good: Bools, chunk: Chunk, name: str, timezone: str, findings: Findings
) -> tuple[Int64, Bools]:
    """Civil nanoseconds in a zone -> nanoseconds since 1970 UTC; hours that clock changes skip or repeat are told."""
    if timezone == "UTC":
        return ns, good
    import pandas as pd

    civil = pd.DatetimeIndex(ns.view("datetime64[ns]"))
    aware = civil.tz_localize(timezone, ambiguous="NaT", nonexistent="NaT")
    unclear = np.asarray(aware.isna()) & good
    message = (
        f"this hour is skipped or happens twice in {timezone} (daylight saving). "
        "Write time stamps with their offset, or in UTC."
    )
    findings.rows(unclear, chunk.rows, name, chunk.columns[name], message)
    utc = np.asarray(aware.tz_convert("UTC").tz_localize(None)).view(np.int64)
    return np.where(unclear, 0, utc), good & ~unclear


def seconds_ns(chunk: Chunk, name: str, findings: Findings) -> tuple[Int64, Bools]:
    """Nanoseconds of a column of seconds since the start, and which of them are good.

    Decimal text is exact to the nanosecond; a binary float is rounded to the nearest.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = chunk.columns[name]
    kind = column.type
    if pa.types.is_decimal(kind):
        column, kind = column.cast(pa.string()), pa.string()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        seconds = _floats(column)
        ns = np.zeros(len(seconds), dtype=np.int64)
        plain = np.zeros(len(seconds), dtype=bool)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        parts = pc.extract_regex(column, _SECONDS)
        plain = parts.is_valid().to_numpy(zero_copy_only=False)
        whole = pc.struct_field(parts, "whole").fill_null("0").cast(pa.int64()).to_numpy(zero_copy_only=False)
        part = pc.binary_join_element_wise("0.", pc.struct_field(parts, "part").fill_null("0"), "0", "")
        fraction = part.cast(pa.float64()).to_numpy(zero_copy_only=False)
        ns = whole * NS_PER_S + np.rint(fraction * NS_PER_S).astype(np.int64)
        seconds = np.array([_number(c.as_py()) if not p else 0.0 for c, p in zip(column, plain)])
    else:
        raise wrong_type(findings, name, kind, "seconds since the start")
    good = plain | ((seconds >= 0.0) & (seconds < _LARGEST_S))
    safe = np.where(good & ~plain, seconds, 0.0)
    whole_s = np.floor(safe)
    rounded = whole_s.astype(np.int64) * NS_PER_S + np.rint((safe - whole_s) * NS_PER_S).astype(np.int64)
    findings.rows(~good, chunk.rows, name, column, "not seconds since the start. Expected 0 or more, such as 12.5.")
    return np.where(plain, ns, rounded), good


def _floats(column: Any) -> Float64:
    import pyarrow as pa

    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def _uncastable(civil: Any, offset: int) -> list[int]:
    """Indices of civil time stamps that do not exist, found by halving."""
    import pyarrow as pa

    try:
        civil.cast(pa.timestamp("ns"))
    except pa.ArrowInvalid:
        if len(civil) == 1:
            return [offset]
        half = len(civil) // 2
        return _uncastable(civil[:half], offset) + _uncastable(civil[half:], offset + half)
    return []


def wrong_type(findings: Findings, name: str, kind: object, expected: str) -> InputError:
    """The error for a column whose type cannot hold what is `expected`."""
    return unreadable(findings.path, f"column {name} holds {kind}. Expected {expected}.")
