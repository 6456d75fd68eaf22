"""config.yaml of an experiment: the scenario it runs, as choices and values on one of conf/scenario/."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim import Scenario


@dataclass(frozen=True)
class Settings:
    """What config.yaml says.

    scenario, choices, values: what is loaded; cases: by name, values on top of those; the rest of the file is the
    experiment's own and stands in `own`.
    """

    scenario: str
    choices: tuple[str, ...]
    values: Mapping[str, Any]
    cases: Mapping[str, Mapping[str, Any]]
    own: Mapping[str, Any]

    def load(self, case: str, **values: Any) -> "Scenario":
        """The scenario of a case. values: on top of all others, by top-level key. Raises InputError."""
        from sim import load

        layers = _merged(_merged(self.values, self.cases[case]), values)
        return load(self.scenario, *self.choices, **layers)

    def replay(self, case: str, arrivals: Path) -> "Scenario":
        """The scenario of a case with the arrivals of a file, wherever it stands. Raises InputError."""
        return self.load(case, workload={**self.cases[case]["workload"], "path": str(arrivals)})


def read(folder: Path) -> Settings:
    """Settings of the experiment in this folder."""
    import yaml

    tree = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    return Settings(
        tree.pop("scenario", "document_assistant"),
        tuple(tree.pop("choices", ())),
        tree.pop("values", {}),
        tree.pop("cases", {}),
        tree,
    )


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two nested mappings as one; the second wins."""
    result = dict(below)
    for key, value in above.items():
        known = result.get(key)
        result[key] = _merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return result
