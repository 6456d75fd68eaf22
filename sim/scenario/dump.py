"""A scenario as YAML text: whole, and what each phase changes."""

from typing import Any

from sim.scenario.model import Scenario
from sim.scenario.patches import ENTRIES, Tree, folded

_HEAD = "# A whole scenario: every value, no choices left. It runs again as it is: poc2scale run scenario=THIS_FILE\n"


def dump(scenario: Scenario) -> str:
    """YAML that loads again to an equal Scenario; an only workload or pool called `main` stands as the base nodes."""
    return _HEAD + to_yaml(tree_of(scenario))


def tree_of(scenario: Scenario) -> Tree:
    """The scenario as plain values, as a user would type them."""
    tree: Tree = scenario.model_dump(mode="json", by_alias=True, warnings=False)
    tree["start"] = scenario.start.isoformat(sep=" ")
    tree["horizon"] = _span(scenario.horizon_s) or tree["horizon"]
    tree = folded(tree)
    if not tree["disturbances"]:
        del tree["disturbances"]  # as most scenarios are
    for name, phase in tree["phases"].items():
        start = scenario.phases[name].start
        kept = {key: value for key, value in phase.items() if value not in (None, {})}
        kept |= {"start": start.isoformat(sep=" ")} if start else {}
        kept |= {"staff": phase["staff"]}
        if kept.get("override"):
            kept["override"] = _fold_override(kept["override"], tree)
        tree["phases"][name] = kept
    return tree


def changes_by_phase(scenario: Scenario) -> dict[str, Tree]:
    """What each phase changes in the scenario, as nested keys; phases that change nothing are left out."""
    phases = tree_of(scenario)["phases"]
    return {name: phase["override"] for name, phase in phases.items() if phase.get("override")}


def to_yaml(tree: Any) -> str:
    """YAML text with keys in their order and lists of plain values on one line."""
    import re

    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes what OmegaConf would read as a number (1e3), and keeps short lists short."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def plain_list(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.Node:
        flow = not any(isinstance(item, (dict, list)) for item in data)
        return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=flow)

    Dumper.add_representer(list, plain_list)
    number = re.compile(r"^[-+]?(?:\d[\d_]*\.?[\d_]*|\.[\d_]+)[eE][-+]?\d+$")
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+.0123456789"))
    text: str = yaml.dump(tree, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False)
    return text


def _fold_override(override: Tree, tree: Tree) -> Tree:
    """Patches on the only entry `main` as patches on the base nodes, where the tree has those."""
    folding = {key: value for key, value in override.items() if key in ENTRIES and key not in tree}
    return {**{k: v for k, v in override.items() if k not in folding}, **folded(folding)}


def _span(seconds: float) -> str | None:
    """A whole number of the largest unit that fits; None where not even seconds do."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds % length == 0:
            return f"{seconds // length:.0f} {unit}"
    return None
