"""Amounts as manifests write them: Kubernetes quantities, Go durations, per cents, whole numbers; there and back.

Sources: kubernetes/apimachinery pkg/api/resource (suffixes of a quantity), Go's time.ParseDuration. Each reader raises
ValueError with what is allowed and what to type.
"""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sim.config.units import SHARE, format_quantity

_SUFFIXES = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1)} | {
    letter + binary: Fraction((1024 if binary else 1000) ** power)
    for power, letter in enumerate("kMGTPE", start=1)
    for binary in ("", "i")
}
_SUFFIXES["Ki"] = _SUFFIXES.pop("ki")
_NUMBER = r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})"
_QUANTITY = re.compile(rf"({_NUMBER})(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{{1,2}}))?")
_PARTS = re.compile(rf"({_NUMBER})(h|ms|m|s|us|µs|ns)")
_DURATION = re.compile(rf"(?:{_PARTS.pattern})+")
_SECONDS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 10**3)} | {
    "us": Fraction(1, 10**6), "µs": Fraction(1, 10**6), "ns": Fraction(1, 10**9)
}  # fmt: skip
_FLOAT = re.compile(rf"{_NUMBER}(?:[eE][+-]?[0-9]{{1,3}})?")


def whole(value: Any) -> int:
    """A whole number, or text that is one."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,15}", value.strip()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not a whole number. Type one such as 8.")
    return value


def number(value: Any) -> float:
    """A finite number, or text that is one."""
    found = float(value) if isinstance(value, str) and _FLOAT.fullmatch(value.strip()) else value
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not -1e300 < found < 1e300:
        raise ValueError("not a number. Type one such as 1.5.")
    return float(found)


def truth(value: Any) -> bool:
    """True or false, or text that is one of them."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError("neither true nor false. Type one of them.")


def text(value: Any) -> str:
    """Text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("not text. Type a name.")
    return value


def quantity(value: Any) -> float:
    """A Kubernetes quantity: "70", "500m", "1k", "2Mi", "1e3"."""
    match = _QUANTITY.fullmatch(str(value).strip()) if isinstance(value, (str, int, float)) else None
    if match is None or isinstance(value, bool):
        raise ValueError('not a Kubernetes quantity. Type a number such as "70", "500m" or "1k".')
    factor = Fraction(10) ** int(match[3]) if match[3] else _SUFFIXES[match[2] or ""]
    return float(Fraction(match[1]) * factor)


def go_duration(value: Any) -> str:
    """A duration of Go ("2m30s", "90s", "0") as one of ours."""
    found = value.strip() if isinstance(value, str) else value
    if found in ("0", 0) and not isinstance(found, bool):
        return "0 s"
    if not isinstance(found, str) or not _DURATION.fullmatch(found):
        raise ValueError('not a duration. Type one with units, such as "90s" or "2m30s".')
    total = sum((Fraction(amount) * _SECONDS[unit] for amount, unit in _PARTS.findall(found)), Fraction(0))
    return seconds(float(total))


def seconds(value: Any) -> str:
    """A number of seconds as a duration of ours."""
    found = number(value)
    return f"{int(found) if found.is_integer() else found!r} s"


def whole_seconds(value: Any) -> str:
    """A whole number of seconds as a duration of ours."""
    return f"{whole(value)} s"


def percent(value: Any) -> str:
    """A number of per cents (70, "10.0") as a share of ours."""
    return str(format_quantity(float(Decimal(repr(number(value))) / 100), SHARE, ("%",)))


def share_percent(value: Any) -> str:
    """A quantity that is a share ("0.05", "50m") as a share of ours."""
    return str(format_quantity(quantity(value), SHARE, ("%",)))


def per_cents(share: float) -> int | float:
    """A share as the number of per cents that reads back to it."""
    return plain(float(Decimal(repr(share)) * 100))


def plain(value: float) -> int | float:
    """A number without a fraction as a whole one."""
    return int(value) if float(value).is_integer() else value


def as_quantity(value: float) -> str:
    """A number as a quantity, in milli-units where it is not whole."""
    milli = round(value * 1000)
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def as_go_duration(value_s: float) -> str:
    """Seconds as a duration of Go, to the nanosecond."""
    digits = f"{value_s:.9f}".rstrip("0").rstrip(".")
    return f"{digits}s"
