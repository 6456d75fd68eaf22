"""From what a user names and types to one plain tree: Hydra composes the choices, and the typed values go on top."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.config import InputError, Problem
from sim.scenario import choices, manifests, overrides
from sim.scenario.manifests import Used
from sim.scenario.overrides import TYPED
from sim.scenario.patches import KeyPath, Tree, depth, leaves, merge, value_at

DEFAULT = "document_assistant"
_RESOLVER = re.compile(r"\$\{\s*[\w.]+\s*:")  # ${oc.env:HOME} and its like: what lies outside of the scenario
MAX_FILE_BYTES = 10_000_000  # assumption: a scenario is typed by people; its data stand in files of their own


@dataclass
class Composed:
    """A composed tree, and the layers it came from: (source, tree as that source alone set it), lowest first.

    manifests: those that autoscaler nodes named, which the tree holds as policies.
    files: of conf/ (name, place in the tree), below those layers and lowest first: read only to say where a wrong value
    came from.
    """

    tree: Tree
    layers: list[tuple[str, Tree]] = field(default_factory=list)
    manifests: list[Used] = field(default_factory=list)
    files: list[tuple[str, KeyPath]] = field(default_factory=list)
    _read: dict[str, Tree] = field(default_factory=dict)

    def source(self, path: KeyPath) -> str | None:
        """Where the value at `path` was set: a file, "command line", or None where nothing set it."""
        for source, tree in reversed(self.layers):
            if depth(tree, path) == len(path):
                return source
        for name, place in reversed(self.files):
            if all(a == b for a, b in zip(place, path)) and depth(self._file(name, place), path) == len(path):
                return f"conf/{name}.yaml"
        return None

    def _file(self, name: str, place: KeyPath) -> Tree:
        """A file of conf/ as the tree that it alone sets."""
        if name not in self._read:
            self._read[name] = _placed(name, place)
        return self._read[name]

    def nearest_source(self, path: KeyPath) -> str | None:
        """Where the value at `path`, or else the closest node around it, was set."""
        while path:
            source = self.source(path)
            if source:
                return source
            path = path[:-1]
        return None


def compose(scenario: str, typed: Iterable[str], changes: Mapping[str, Any] | None = None) -> Composed:
    """Compose the tree of a scenario (a name in conf/scenario/, or the path of a whole tree ending in .yaml).

    typed: overrides in Hydra's grammar; changes: the same from Python, by top-level key.
    Raises InputError with every problem.
    """
    typed, scenario = last_scenario(list(typed), scenario)
    chosen, values, problems = overrides.parse(typed)
    if is_path(scenario):
        composed = _from_file(Path(scenario), problems)
    elif scenario in choices.names("scenario"):
        inside = [c for c in chosen if c.package in (None, choices.MOUNTED.get(c.group, c.group))]
        chosen = [c for c in chosen if c not in inside]
        composed = _from_conf(scenario, inside)
    else:
        composed = Composed({})
        _, _, unknown = overrides.parse([f"scenario={scenario!r}"])
        problems += unknown
    if composed.tree:
        for choice in chosen:
            _mount(composed, choice)
        for change in (*values, *(overrides.Change((key,), value) for key, value in (changes or {}).items())):
            problem = overrides.apply(composed.tree, change)
            problems += [problem] if problem else []
            composed.layers.append((TYPED, overrides.nested(change.path, change.value)))
        composed.tree = _without_references(composed.tree, problems)
        if not problems:
            composed.manifests, problems = manifests.fill(composed)
    if problems:
        raise InputError(*problems)
    return composed


def is_path(scenario: str) -> bool:
    """Whether a scenario is named by its file rather than by a name in conf/scenario/."""
    return scenario.endswith((".yaml", ".yml")) or "/" in scenario or "\\" in scenario


def last_scenario(typed: list[str], scenario: str) -> tuple[list[str], str]:
    """`scenario=...` among the overrides wins, whatever characters a path in it has."""
    for text in typed:
        key, equals, value = text.lstrip("+").partition("=")
        if key == "scenario" and equals:
            scenario = value.strip().strip("\"'")
    return [t for t in typed if not t.lstrip("+").startswith("scenario=")], scenario


def _from_conf(scenario: str, chosen: list[overrides.Choice]) -> Composed:
    from hydra import compose as hydra_compose
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    typed = [
        f"{c.group}{'@' + choices.MOUNTED[c.group] if c.group in choices.MOUNTED else ''}={c.option}" for c in chosen
    ]
    own = f"scenario={scenario}"
    try:
        with _hydra():
            tree, files = _with_files(hydra_compose("config", [*typed, own], return_hydra_config=True))
            before = _plain(OmegaConf.to_container(hydra_compose("config", [own]), resolve=False)) if typed else tree
    except (HydraException, OmegaConfBaseException, YAMLError) as e:
        line = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise InputError(Problem("scenario", scenario, f"conf/ does not compose: {line}", "conf/")) from e
    for choice in chosen:
        _drop_other_kind(tree, before, choice)
    return Composed(tree, files=files)


def _with_files(config: Any) -> tuple[Tree, list[tuple[str, KeyPath]]]:
    """A tree as Hydra composed it, and the files of conf/ that it is made of, lowest first (see `Composed.files`)."""
    from omegaconf import OmegaConf, open_dict

    chosen = [(group.partition("@")[0], option) for group, option in reversed(config.hydra.runtime.choices.items())]
    with open_dict(config):
        del config["hydra"]
    files: list[tuple[str, KeyPath]] = [("config", ())]
    for group, option in chosen:
        if not group.startswith("hydra/"):
            files.append((f"{group}/{option}", () if group == "scenario" else choices.place(group)))
    return _plain(OmegaConf.to_container(config, resolve=False)), files


def _drop_other_kind(tree: Tree, before: Tree, choice: overrides.Choice) -> None:
    """Where a choice changes a node's kind, or that of a node inside it, forget what the scenario and its phases had
    set there: it was meant for the other kind.
    """
    place = choices.place(choice.group)
    option = value_at(_placed(f"{choice.group}/{choice.option}", place), place)
    for path in _other_kinds(option, value_at(before, place), place):
        overrides.apply(tree, overrides.Change(path, None))
        overrides.apply(tree, overrides.Change(path, value_at(option, path[len(place) :])))
        overrides.forget_in_phases(tree, path)


def _other_kinds(option: Any, before: Any, path: KeyPath) -> Iterator[KeyPath]:
    """Paths of the outermost nodes of an option whose kind differs from what stood there before."""
    if not isinstance(option, Mapping) or not isinstance(before, Mapping):
        return
    if option.get("kind") != before.get("kind"):
        yield path
        return
    for key, value in option.items():
        yield from _other_kinds(value, before.get(key), (*path, key))


@contextmanager
def _hydra() -> Iterator[None]:
    """Hydra with our conf/; the state of a Hydra that the caller uses is as it was afterwards."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.version import VersionBase

    theirs, version = GlobalHydra.instance().hydra, VersionBase.instance().version_base
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(choices.conf_folder()), job_name="poc2scale", version_base="1.3"):
            yield
    finally:
        GlobalHydra.instance().hydra = theirs
        VersionBase.instance().version_base = version


def _placed(name: str, place: KeyPath) -> Tree:
    """A file of conf/ as the tree that it alone sets, standing at its place."""
    content = _plain(_read(choices.conf_folder() / f"{name}.yaml"))
    content.pop("defaults", None)
    placed: Tree = overrides.nested(place, content)
    return placed


def _mount(composed: Composed, choice: overrides.Choice) -> None:
    """Put an option's file at its place in the tree, instead of what stood there."""
    place = tuple(choice.package.split(".")) if choice.package else choices.place(choice.group)
    name = f"{choice.group}/{choice.option}"
    placed = _placed(name, place)
    for path in _other_kinds(value_at(placed, place), value_at(composed.tree, place), place):
        overrides.forget_in_phases(composed.tree, path)
    for node in [place] if place else [(key,) for key in placed]:
        overrides.apply(composed.tree, overrides.Change(node, None, added=True))
    composed.tree = merge(composed.tree, placed)
    composed.layers.append((f"conf/{name}.yaml", placed))


def _from_file(path: Path, problems: list[Problem]) -> Composed:
    try:
        tree = _plain(_read(path))
    except InputError as e:
        problems += e.problems
        return Composed({})
    if "defaults" in tree:
        message = "not possible in a scenario given by its path: it is a whole tree, such as `poc2scale check` prints."
        problems.append(Problem("defaults", None, message, str(path)))
    return Composed(tree, [(str(path), tree)])


def _read(path: Path) -> Any:
    """The mapping in a YAML file; InputError for anything else."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError
    from yaml.error import MarkedYAMLError

    def wrong(message: str, where: str = str(path)) -> InputError:
        return InputError(Problem(where, None, message))

    try:
        if path.is_dir():
            raise wrong("a folder. Type the path of a scenario file, such as outputs/NAME/latest/scenario.yaml.")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise wrong("too large for a scenario file (over 10 MB).")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise wrong("no such file. Type a path, or a name that `poc2scale list scenario` shows.") from None
    except UnicodeDecodeError:
        raise wrong("not a text file. Expected a scenario in YAML, such as `poc2scale check` prints.") from None
    except OSError as e:
        raise wrong(f"cannot be read: {e.strerror}.") from None
    try:
        content = OmegaConf.to_container(OmegaConf.load(io.StringIO(text)), resolve=False)
    except MarkedYAMLError as e:
        row = f", row {e.problem_mark.line + 1}" if e.problem_mark else ""
        raise wrong(f"not valid YAML: {e.problem}. Correct this row.", f"{path}{row}") from None
    except (YAMLError, OmegaConfBaseException, OSError, ValueError, RecursionError) as e:
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise wrong(f"not valid YAML: {reason}.") from None
    if not isinstance(content, dict) or not content:
        raise wrong("empty or no group of keys. Expected a scenario in YAML, such as `poc2scale check` prints.")
    return content


def _without_references(tree: Tree, problems: list[Problem]) -> Tree:
    """Replace ${...} references by what they point to."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    found = [
        (".".join(path), value) for path, value in leaves(tree) if isinstance(value, str) and _RESOLVER.search(value)
    ]
    if found:
        message = "a scenario reads nothing but itself. A reference ${…} must point to a key of this scenario."
        problems += [Problem(where, value, message) for where, value in found]
        return tree
    try:
        resolved = OmegaConf.to_container(OmegaConf.create(tree), resolve=True)
    except (OmegaConfBaseException, RecursionError) as e:
        where = getattr(e, "full_key", None) or "scenario"
        message = str(e).strip().splitlines()[0] if str(e).strip() else "not a reference that can be followed"
        problems.append(
            Problem(str(where), None, f"{message}. A reference ${{…}} must point to a key of this scenario.")
        )
        return tree
    assert isinstance(resolved, dict)
    plain: Tree = _plain(resolved)
    return plain


def _plain(node: Any) -> Any:
    """The same tree with text for every key, since names may look like numbers in YAML."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    return [_plain(value) for value in node] if isinstance(node, list) else node
