"""A user's own manifest in an autoscaler node: `autoscaler.manifest=hpa.yaml` becomes the policy that it holds.

It happens when a scenario is composed, so that what is judged, run and kept holds the policy itself. Keys that stand
beside the manifest (where it was typed: all that were typed) override what it says; what lies below is forgotten.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from sim.config import InputError, Problem
from sim.policy.autoscaling import Autoscaler
from sim.policy.manifests import Manifest, read
from sim.scenario import choices, overrides
from sim.scenario.errors import refusals
from sim.scenario.overrides import TYPED
from sim.scenario.patches import KeyPath, Tree, depth, leaves, merge, resolve, value_at

if TYPE_CHECKING:
    from sim.scenario.compose import Composed

KEYS = ("manifest", "manifest_metrics", "manifest_name")
_NODE = "autoscaler"


class Used(NamedTuple):
    """A manifest that was read. at: the node; pools: whose policy it is (none: a phase's); path, text: the file's;
    metrics, name: what was said beside it; ignored: what of it counts for nothing, or not everywhere.
    """

    at: KeyPath
    pools: tuple[str, ...]
    path: str
    text: str
    metrics: Mapping[str, Any]
    name: str | None
    ignored: tuple[str, ...]

    def notes(self) -> list[str]:
        """What is ignored, a sentence each."""
        return [f"manifest {self.path}: {sentence}" for sentence in self.ignored]


def fill(composed: "Composed") -> tuple[list[Used], list[Problem]]:
    """Replace every node with a manifest by its policy, in place; what was read, and what is wrong."""
    used: list[Used] = []
    problems: list[Problem] = []
    for at in list(_nodes(composed.tree)):
        try:
            used.append(_fill(composed, at))
        except InputError as e:
            problems += e.problems
    return used, problems


def _nodes(tree: Tree) -> Iterator[KeyPath]:
    """Places of the autoscaler nodes that name a manifest: base nodes, those of pools, and those of phases."""
    phases = tree.get("phases")
    names = list(phases) if isinstance(phases, Mapping) else []
    for prefix in [(), *(("phases", name, "override") for name in names)]:
        pools = value_at(tree, (*prefix, "pools"))
        inside = [("pools", name) for name in pools] if isinstance(pools, Mapping) else []
        for home in [(), ("pool",), *inside]:
            at = (*prefix, *home, _NODE)
            node = value_at(tree, at)
            if isinstance(node, Mapping) and node.get("manifest") is not None:
                yield at


def _fill(composed: "Composed", at: KeyPath) -> Used:
    tree = composed.tree
    source = composed.source((*at, "manifest")) or TYPED
    beside = _beside(composed, at, source)
    node, where = value_at(tree, at), ".".join(at)
    path, metrics, name = (_checked(node, key, where) for key in KEYS)
    pools, file = _pools(tree, at), _file(str(path), source)
    text = _text(file, where, path)
    manifest = read(text, str(path), metrics=metrics, name=name, at=where)
    policy = _settled(manifest, beside, where, str(path))
    before = value_at(tree, (*at, "kind"))
    overrides.apply(tree, overrides.Change(at, None))
    overrides.apply(tree, overrides.Change(at, policy))
    # below what was said beside it, which so stays the source of what it sets
    own = next((i for i, (layer, _) in enumerate(composed.layers) if layer == source), 0)
    composed.layers = [(layer, _without(inner, at)) for layer, inner in composed.layers]
    composed.layers.insert(own, (str(file), overrides.nested(at, policy)))
    if before != policy.get("kind") and at[0] != "phases":
        overrides.forget_in_phases(tree, at)
    return Used(at, pools, str(path), text, metrics or {}, name, (*manifest.ignored, *_otherwise(tree, at)))


def _beside(composed: "Composed", at: KeyPath, source: str) -> Tree:
    """What stands beside the manifest in its layer and above it, with the values of the tree."""
    layers = [layer for layer, _ in composed.layers]
    own = layers.index(source) if source in layers else 0
    paths = [
        path for layer, inner in composed.layers[own:] for path, _ in leaves(value_at(inner, at) or {})
        if layer in (source, TYPED)
    ]  # fmt: skip
    beside: Tree = {}
    for path in paths:
        if path and path[0] not in KEYS and depth(composed.tree, (*at, *path)) == len(at) + len(path):
            beside = merge(beside, overrides.nested(path, value_at(composed.tree, (*at, *path))))
    return beside


def _checked(node: Mapping[str, Any], key: str, where: str) -> Any:
    value = node.get(key)
    allowed, what = {
        "manifest": (str, "the path of a manifest, such as hpa.yaml"),
        "manifest_metrics": (Mapping, "what its metrics are here, such as {http_requests: arrivals}"),
        "manifest_name": (str, "the name of one of several manifests in the file"),
    }[key]
    if value is not None and not (isinstance(value, allowed) and value):
        shown = None if isinstance(value, (Mapping, list)) else value
        raise InputError(Problem(f"{where}.{key}", shown, f"not {what}."))
    return value


def _file(path: str, source: str) -> Path:
    """The file: typed paths lead from the working directory, those in a scenario's file from its folder."""
    if source == TYPED:
        return Path(path)
    home = choices.conf_folder().parent / source if source.startswith("conf/") else Path(source)
    return home.parent / path


def _text(file: Path, where: str, path: str) -> str:
    key = f"{where}.manifest"
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(Problem(key, path, f"no such file. Looked for {file.absolute()}; type its path.")) from None
    except IsADirectoryError:
        raise InputError(Problem(key, path, "a folder. Type the path of a manifest, such as hpa.yaml.")) from None
    except (UnicodeDecodeError, ValueError):
        raise InputError(Problem(key, path, "not a text file. Expected a manifest in YAML or JSON.")) from None
    except OSError as e:
        raise InputError(Problem(key, path, f"cannot be read: {e.strerror}.")) from None


def _settled(manifest: Manifest, beside: Tree, where: str, path: str) -> Tree:
    """The whole node: what the manifest says, defaults for what it cannot say, and on top what stands beside it.

    Raises InputError for what the manifest says and its controller refuses. What is still wrong otherwise passes: it is
    judged with everything else.
    """
    said = dict(manifest.policy)
    kind = beside.get("kind", said["kind"])
    if kind != said["kind"]:
        raise InputError(
            Problem(f"{where}.kind", kind, f"the manifest {path} is {said['kind']}. Leave kind out, or the manifest.")
        )
    if said.get("metrics") and "metrics" not in beside and beside.keys() & {"metric", "target"}:
        key = sorted(beside.keys() & {"metric", "target"})[0]
        message = (
            f"the manifest {path} has metrics of its own, which count. Type {where}.metrics=[...] with all of them."
        )
        raise InputError(Problem(f"{where}.{key}", beside[key], message))
    policy: Tree = merge(said, beside)
    if "max_replicas" not in policy:
        message = f"missing, and the manifest {path} has no limit. Type how many there can be: {where}.max_replicas=20."
        raise InputError(Problem(f"{where}.max_replicas", None, message))
    try:
        valid = TypeAdapter(Autoscaler).validate_python(policy, context={"door": True}, by_alias=True, by_name=False)
    except ValidationError as e:
        refused = refusals(e, policy, _class_of(kind))
        found = [p for r in refused if (p := _placed(r.path, r.message, manifest, beside, where, path)) is not None]
        if found:
            raise InputError(*found) from None
        return policy
    whole: Tree = valid.model_dump(mode="json", by_alias=True)
    return whole


def _class_of(kind: str) -> Any:
    from typing import get_args

    union = get_args(get_args(Autoscaler)[0])
    return next(one for one in union if kind in get_args(one.model_fields["kind"].annotation))


def _placed(
    key: KeyPath, message: str, manifest: Manifest, beside: Tree, where: str, path: str
) -> Problem | None:  # fmt: skip
    """A refusal at the manifest's field that it comes from; None where it comes from what stands beside it."""
    if depth(beside, key[:1]) == 1:
        return None
    while key and key not in manifest.places:
        key = key[:-1]
    if not key:
        return None
    place, value = manifest.places[key]
    shown = None if isinstance(value, (Mapping, list)) else value
    return Problem(f"{path}, {place}", shown, f"as {where}.{'.'.join(key)}: {message}")


def _without(inner: Tree, at: KeyPath) -> Tree:
    """A layer without the keys of a manifest at a node."""
    node = value_at(inner, at)
    if not isinstance(node, Mapping) or not node.keys() & set(KEYS):
        return inner
    kept = {key: value for key, value in node.items() if key not in KEYS}
    return _replaced(inner, at, kept)


def _replaced(tree: Tree, at: KeyPath, node: Tree) -> Tree:
    if not at:
        return node
    return {**tree, at[0]: _replaced(tree[at[0]], at[1:], node)}


def _otherwise(tree: Tree, at: KeyPath) -> Iterator[str]:
    """A sentence for each phase that changes the policy of a base node while it lasts."""
    phases = tree.get("phases")
    for name in phases if isinstance(phases, Mapping) and at[0] != "phases" else ():
        place = ("phases", name, "override", *at)
        patch = value_at(tree, place)
        if isinstance(patch, Mapping) and patch and "manifest" not in patch:
            yield f"{', '.join(patch)} in the phase {name}: {'.'.join(place)} counts there"


def _pools(tree: Tree, at: KeyPath) -> tuple[str, ...]:
    """Pools that a node reaches: those without a controller of their own; none for a phase's. Raises InputError where
    a base node reaches none.
    """
    if at[0] == "phases":
        return ()
    if at[0] == "pools":
        return (at[1],)
    pools = list(resolve(tree).get("pools") or ())
    reached = [name for name in pools if not {"kind", "manifest"} & set(value_at(tree, ("pools", name, _NODE)) or ())]
    if not reached:
        typed = f"pools.{pools[0]}.{_NODE}.manifest"
        message = f"reaches nothing: every pool has a controller of its own. Type {typed} for that of {pools[0]}."
        raise InputError(Problem(f"{'.'.join(at)}.manifest", None, message))
    return tuple(reached)


def named(typed: Sequence[str]) -> list[Used]:
    """The manifests that a scenario names, by what is typed for it. Raises InputError."""
    from sim.scenario.compose import DEFAULT, compose, is_path, last_scenario

    _, scenario = last_scenario(list(typed), DEFAULT)
    file = choices.conf_folder() / "scenario" / f"{scenario}.yaml"
    there = is_path(scenario) or (file.is_file() and "manifest:" in file.read_text(encoding="utf-8"))
    if there or any("manifest" in text for text in typed):
        return compose(DEFAULT, typed).manifests
    return []  # as most: nothing has to be composed to know it


def ignored(typed: Iterable[Sequence[str]]) -> list[str]:
    """What is ignored of the manifests in any of several scenarios, by what is typed for each; a sentence once."""
    return list(dict.fromkeys(note for texts in typed for used in named(texts) for note in used.notes()))
