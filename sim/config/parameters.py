"""The base of every parameter class: frozen, nothing unknown, fields named with units and typed without them."""

from pydantic import BaseModel, ConfigDict

_UNIT_SUFFIXES = (
    "_usd_per_gb_month", "_usd_per_gb_h", "_usd_per_mtok", "_usd_per_year", "_usd_per_gb", "_usd_per_h",
    "_bytes_per_s", "_per_s", "_bytes", "_usd_per_month", "_usd_per_day", "_usd", "_s",
)  # fmt: skip


def key_of(field: str) -> str:
    """Name a user types for a field: `timeout_s` is `timeout` in YAML, where the value carries the unit.

    A word that Python keeps for itself has an underscore behind it: `from_` is `from`.
    """
    field = field.removesuffix("_")
    for suffix in _UNIT_SUFFIXES:
        if field.endswith(suffix) and len(field) > len(suffix):
            return field[: -len(suffix)]
    return field


class Parameters(BaseModel):
    """Frozen parameters of one thing a user can choose.

    In YAML a field stands under its name without the unit, and the value carries it (`timeout: 90 s`); in Python under
    its own name, in that unit (`timeout_s=90.0`).
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=key_of,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        validate_default=False,
        protected_namespaces=(),
        allow_inf_nan=False,
    )
