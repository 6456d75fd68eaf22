"""Base nodes and patches: how `workload`, `pool` and the nodes inside them reach all of `workloads` and `pools`.

A tree is the composed configuration as plain dicts. `workloads.<name>` and `pools.<name>` are patches on the base
nodes; none means one entry, called `main`. A node that stands inside entries has a base of its own: `autoscaler` lies
under `pool.autoscaler`, which lies under `pools.<name>.autoscaler`. A phase's `override` patches the same nodes before
they are resolved.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Tree = dict[str, Any]
KeyPath = tuple[str, ...]

ENTRIES = {"workloads": "workload", "pools": "pool"}
"""Node of entries -> its base node."""
INSIDE = {"workloads": ("admission", "cache", "learning", "value", "retry"), "pools": ("autoscaler", "hosting")}
"""Node of entries -> base nodes that stand inside each of its entries."""
BASES = (*ENTRIES.values(), *(name for names in INSIDE.values() for name in names))
"""Base nodes, whose keys stand for those of every entry."""
OVERRIDABLE = (*ENTRIES, *BASES, "api", "price", "incidents")
"""What a phase may override."""


def merge(base: Any, patch: Any) -> Any:
    """Deep merge; neither argument is changed. A patch of another `kind` replaces the node: keys differ."""
    if not isinstance(base, Mapping) or not isinstance(patch, Mapping):
        return patch
    if "kind" in base and patch.get("kind", base["kind"]) != base["kind"]:
        return patch
    return {**base, **{key: merge(base[key], value) if key in base else value for key, value in patch.items()}}


def difference(old: Any, new: Any) -> Any:
    """Smallest patch with merge(old, patch) == new, for trees that differ by merging; {} when they are equal."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping) or old.get("kind") != new.get("kind"):
        return new
    patch = {}
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif old[key] != value:
            patch[key] = difference(old[key], value)
    return patch


def resolve(tree: Tree) -> Tree:
    """The tree with `workloads` and `pools` complete and without base nodes. Malformed nodes pass as they are."""
    resolved = {key: value for key, value in tree.items() if key not in BASES}
    for node, base_name in ENTRIES.items():
        base: Any = tree.get(base_name) or {}
        if isinstance(base, Mapping):
            base = merge({name: tree[name] for name in INSIDE[node] if name in tree}, base)
        patches = tree.get(node) or {"main": {}}
        if isinstance(patches, Mapping):
            resolved[node] = {name: merge(base, patch) if patch else base for name, patch in patches.items()}
        else:
            resolved[node] = patches
    return resolved


def effective(tree: Tree, phase: str) -> Tree:
    """The tree while `phase` lasts: its override merged in. Unknown or malformed overrides count for nothing."""
    override = override_of(tree, phase)
    patch = {key: value for key, value in override.items() if key in OVERRIDABLE}
    merged: Tree = merge(tree, patch)
    return merged


def override_of(tree: Tree, phase: str) -> Tree:
    """The override of a phase as typed; {} where there is none or it is no mapping."""
    node: Any = tree
    for key in ("phases", phase, "override"):
        node = node.get(key) if isinstance(node, Mapping) else None
    return dict(node) if isinstance(node, Mapping) else {}


def settle(tree: Tree) -> Tree:
    """Resolved tree whose phases' overrides patch `workloads` and `pools` entry by entry: no base node is needed."""
    settled = resolve(tree)
    phases = {}
    for name, phase in settled["phases"].items():
        patch = difference(settled, resolve(effective(tree, name)))
        phases[name] = {**phase, "override": patch} if "override" in phase else phase
    return {**settled, "phases": phases}


def folded(tree: Tree) -> Tree:
    """The inverse of `settle` for an only entry `main`: base nodes again, so that `workload.x` reaches it."""
    result: Tree = {}
    for key, value in tree.items():
        if key in ENTRIES and isinstance(value, Mapping) and list(value) == ["main"]:
            node = dict(value["main"])
            inside = {name: node.pop(name) for name in INSIDE[key] if name in node}
            result |= {ENTRIES[key]: node} if node else {}
            result |= inside
        else:
            result[key] = value
    return result


def typed_path(tree: Tree, path: KeyPath) -> KeyPath:
    """Key path as the user typed it, of a path into the resolved tree: in the entry's patch, or in a base node."""
    if len(path) < 2 or path[0] not in ENTRIES:
        return path
    node, name, rest = path[0], path[1], path[2:]
    has_base = bool(rest) and rest[0] in INSIDE[node]
    candidates = [path, (ENTRIES[node], *rest)] + ([rest] if has_base else [])
    best = max(candidates, key=lambda c: depth(tree, c) == len(c))  # the first that is there in full
    if depth(tree, best) == len(best):
        return best
    if not rest:
        return path if name in (tree.get(node) or {}) else (ENTRIES[node],)
    return max(candidates, key=lambda c: depth(tree, c) - len(c))


def depth(tree: Any, path: KeyPath) -> int:
    """How many keys of `path`, from its beginning, exist in the tree (list items by their number)."""
    for i, key in enumerate(path):
        if isinstance(tree, Mapping) and key in tree:
            tree = tree[key]
        elif isinstance(tree, (list, tuple)) and key.isdigit() and int(key) < len(tree):
            tree = tree[int(key)]
        else:
            return i
    return len(path)


def value_at(tree: Any, path: KeyPath) -> Any:
    """The value at `path`; None where there is none."""
    if depth(tree, path) < len(path):
        return None
    for key in path:
        tree = tree[key] if isinstance(tree, Mapping) else tree[int(key)]
    return tree


def leaves(tree: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every (path, value) that is not itself a mapping."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, tree
