"""Every way in which pydantic refuses a tree, said in the one style of `sim.config.Problem`."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sim.config.parameters import key_of
from sim.scenario.patches import BASES, ENTRIES, KeyPath, Tree, leaves, value_at

_EXAMPLES = {
    "_usd_per_gb_month": '"0.03 USD/GB/month"', "_usd_per_mtok": '"0.6 USD/Mtok"', "_usd_per_year": '"180000 USD/year"',
    "_usd_per_month": '"500 USD/month"', "_usd_per_day": '"200 USD/day"', "_usd_per_gb_h": '"0.125 USD/GB/h"',
    "_usd_per_gb": '"0.09 USD/GB"', "_usd_per_h": '"2.5 USD/h"', "_per_s": '"12 req/s"', "_bytes": '"40 GB"',
    "_usd": '"0.002 USD"', "_s": '"90 s"',
}  # fmt: skip
_KINDS_OF_VALUE = {
    "int": "a whole number such as 8", "float": "a number such as 1.5", "bool": "true or false", "string": "text",
    "dict": "a group of keys", "model": "a group of keys", "list": "a list", "tuple": "a list",
    "mapping": "a group of keys",
}  # fmt: skip
_FEW = 16
_UNSAID = {("batching", "dynamic")}  # (node, kind) that counts where no kind is given


@dataclass(frozen=True)
class Refusal:
    """One thing refused: path in the resolved tree, the value as given (None for a whole node), the message.

    close: path in the resolved tree of what may have been meant, for an unknown key; empty otherwise.
    """

    path: KeyPath
    value: object
    message: str
    close: KeyPath = ()


def refusals(error: ValidationError, tree: Tree, model: type[BaseModel]) -> list[Refusal]:
    """Every error of a validation of `tree` as `model`, in our words and with paths of the tree."""
    errors = [dict(e) for e in error.errors(include_url=False)]
    return [_refusal(e, tree, model) for e in errors if not _emptied(e, errors)]


def _emptied(error: dict[str, Any], errors: Iterable[dict[str, Any]]) -> bool:
    """Whether a list is said to be too short only because its entries, which are refused too, were left out."""
    loc = error["loc"]
    return error["type"] == "too_short" and any(
        len(e["loc"]) > len(loc) and e["loc"][: len(loc)] == loc for e in errors
    )


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """`Did you mean ...? ` when one of the known names is close, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean {prefix}{close[0]}? " if close else ""


def listed(names: Iterable[str]) -> str:
    """Names joined by commas, cut off where there are many."""
    names = list(names)
    shown = ", ".join(names[:_FEW])
    return shown if len(names) <= _FEW else f"{shown} and {len(names) - _FEW} more"


def _refusal(error: dict[str, Any], tree: Tree, model: type[BaseModel]) -> Refusal:
    path = _real_path(error["loc"], tree)
    value, kind = error.get("input"), error["type"]
    if kind == "gate_condition" and isinstance(value, Mapping):  # a group of keys is refused for its kind
        return _wrong_condition(path, value.get("kind"), str(error["msg"]))
    if kind == "inside":  # a whole node was judged, and something within it is to blame
        context = error["ctx"]
        path = (*path, *context["where"])
        value = value_at(tree, path)
        return Refusal(path, None if isinstance(value, Mapping) else value, str(context["message"]))
    if isinstance(value, (Mapping, list, tuple, BaseModel)) or kind == "missing":
        value = None
    message = _message(kind, error, path, tree, model)
    if kind.startswith("union_tag"):
        path = (*path, str(error.get("ctx", {}).get("discriminator", "kind")).strip("'"))
        value = error.get("ctx", {}).get("tag")
    elif kind == "extra_forbidden":
        return Refusal(path, None, message, _close_key(path, tree, model))
    elif path[-1:] == ("[key]",):
        path = path[:-1]
    return Refusal(path, value, message)


def _wrong_condition(path: KeyPath, kind: object, message: str) -> Refusal:
    """A condition of a gate whose kind is missing or none that exists; the message lists the kinds at its end."""
    allowed = message.rpartition("kinds: ")[2]
    if kind is None:
        return Refusal((*path, "kind"), None, f"missing. Say which kind this is; kinds: {allowed}.")
    close = nearest(str(kind), allowed.split(", "))
    return Refusal((*path, "kind"), kind, f"not a kind that exists. {close}Allowed: {allowed}.")


def _message(kind: str, error: dict[str, Any], path: KeyPath, tree: Tree, model: type[BaseModel]) -> str:
    context = error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", error["msg"]))
    if kind == "extra_forbidden":
        return _unknown_key(path, tree, model)
    if kind == "missing":
        return _missing(path, tree, model)
    if kind.startswith("union_tag"):
        return _wrong_kind(kind, context)
    if kind in ("literal_error", "enum"):
        allowed = str(context["expected"]).replace("'", "")
        close = nearest(str(error.get("input")), allowed.replace(" or ", ", ").split(", "))
        return f"not one of the choices. {close}Allowed: {allowed}."
    if kind.startswith(("datetime", "date_", "timezone")):
        return 'not a date. Expected one such as "2026-01-01" or "2026-01-01 09:30".'
    if kind == "string_pattern_mismatch":
        return "not a name. Expected up to 64 letters, digits, hyphens and underscores, such as gpu_pool."
    if kind == "too_long":
        return f"too many. It may have at most {_grouped(context.get('max_length'))} entries."
    if kind == "too_short":
        return f"empty. It needs at least {context.get('min_length', 1)} entry."
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        return f"out of range. It must be {_bound(context)}."
    expected = _KINDS_OF_VALUE.get(kind.split("_")[0])
    if expected and kind.endswith(("_type", "_parsing", "_from_float", "_attributes_type")):
        group = expected == "a group of keys"
        if expected == "a list" and error.get("input") is None:
            return "empty, and a list is needed. Type its entries in brackets: [...]."
        if expected == "a list":
            return "not a list. Put brackets around its entries, even around a single one: [...]."
        return "not a group of keys. Expected keys and values under this one." if group else f"not {expected}."
    return str(error["msg"]) + "."


def _bound(context: Mapping[str, Any]) -> str:
    words = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
    return " and ".join(f"{words[key]} {_grouped(value)}" for key, value in context.items() if key in words)


def _grouped(value: object) -> str:
    """10,000 for 10000."""
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


def _unknown_key(path: KeyPath, tree: Tree, model: type[BaseModel]) -> str:
    if path[-1].startswith("_"):
        return "unknown key. Scenario files hold values only and never name code; remove it."
    owner = model_at(path[:-1], tree, model)
    return f"unknown key. Allowed here: {listed(keys(owner) if owner else [])}."


def _close_key(path: KeyPath, tree: Tree, model: type[BaseModel]) -> KeyPath:
    """The sibling with the nearest name, or a key of that very name elsewhere: the latter first at the top level.

    `name` is no hint: too many things have one.
    """
    elsewhere = next((p for p, _ in leaves(tree) if p[-1:] == path[-1:] != ("name",) and p != path), ())
    if elsewhere and len(path) == 1:
        return elsewhere
    owner = model_at(path[:-1], tree, model)
    close = difflib.get_close_matches(path[-1], keys(owner) if owner else [], n=1)
    return (*path[:-1], close[0]) if close else elsewhere


def _missing(path: KeyPath, tree: Tree, model: type[BaseModel]) -> str:
    owner = model_at(path[:-1], tree, model)
    for field in owner.model_fields if owner else ():
        if key_of(field) == path[-1]:
            for suffix, example in _EXAMPLES.items():
                if field.endswith(suffix):
                    return f"missing. Type a value such as {example}."
    return "missing. It has no default, so type a value for it."


def _wrong_kind(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "union_tag_not_found":
        return "missing. Say which kind this is; `poc2scale list` shows the groups to choose from."
    allowed = str(context.get("expected_tags", "")).replace("'", "")
    close = nearest(str(context.get("tag")), allowed.split(", "))
    return f"not a kind that exists. {close}Allowed: {allowed}."


def _real_path(loc: tuple[Any, ...], tree: Any) -> KeyPath:
    """pydantic's location without the tags of unions and the names of its inner validators."""
    path: list[str] = []
    for i, step in enumerate(loc):
        key = str(step)
        if isinstance(tree, Mapping):
            here = key in tree
            unsaid = "kind" not in tree and (path[-1] if path else "", key) in _UNSAID
            bracketed = key.startswith("[") and key != "[key]"  # the tag of what has no kind
            tag = tree.get("kind", tree.get("type"))  # a trigger has a type
            is_tag = not here and i < len(loc) and (tag == key or unsaid or bracketed)
            if is_tag:
                continue
            tree = tree.get(key)
        elif isinstance(tree, (list, tuple)) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        elif (
            isinstance(step, str)
            and ("[" in step or step in ("none", "datetime", "str", "float", "int"))
            and step != "[key]"
        ):
            continue
        path.append(key)
    return tuple(path)


def keys(model: type[BaseModel]) -> list[str]:
    """The keys that a user may type in a node of this class."""
    names = [key_of(field) for field in model.model_fields]
    return [*names, *BASES] if ENTRIES.keys() <= model.model_fields.keys() else names


def model_at(path: KeyPath, tree: Any, model: type[BaseModel]) -> type[BaseModel] | None:
    """The parameter class that judges the node at `path` of `tree`; None where there is none."""
    annotation: Any = model
    for key in path:
        found = _class_of(annotation, tree)
        if found is None:
            annotation = _item(annotation)
        else:
            field = next((f for f in found.model_fields if key_of(f) == key), None)
            annotation = found.model_fields[field].annotation if field else None
        if annotation is None:
            return None
        tree = value_at(tree, (key,))
    return _class_of(annotation, tree)


def _class_of(annotation: Any, node: Any) -> type[BaseModel] | None:
    if get_origin(annotation) is Annotated:
        return _class_of(get_args(annotation)[0], node)
    if get_origin(annotation) in (Union, UnionType):
        members = [c for a in get_args(annotation) if a is not NoneType and (c := _class_of(a, node))]
        kind = node.get("kind", node.get("type")) if isinstance(node, Mapping) else None
        kinds = {kind} if kind is not None else {unsaid for _, unsaid in _UNSAID}
        matching = [
            c
            for c in members
            for name in ("kind", "type")
            if name in c.model_fields and kinds & {*get_args(c.model_fields[name].annotation)}
        ]
        return matching[0] if matching else (members[0] if len(members) == 1 else None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _item(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _item(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return next((i for a in get_args(annotation) if (i := _item(a)) is not None), None)
    arguments = [a for a in get_args(annotation) if a is not Ellipsis]
    return arguments[-1] if arguments and get_origin(annotation) in (dict, list, tuple) else None
