"""What a user can choose from: the folders of conf/ (groups) and the files in them (options)."""

from dataclasses import dataclass
from pathlib import Path

MOUNTED = {
    "machine": "pool.machine", "model": "pool.model", "service": "pool.service", "nodes": "pool.nodes",
    "startup": "pool.startup",
}  # fmt: skip
"""Groups whose options stand inside another node; all others stand under their own name."""
EVERYWHERE = ("disturbance",)
"""Groups whose options set several nodes of the tree (in Hydra's words: their package is _global_)."""


@dataclass(frozen=True)
class Option:
    """One file of a group: its name, the first line of its comment, and whether it is what conf/config.yaml chooses."""

    name: str
    says: str
    default: bool


def conf_folder() -> Path:
    """The folder conf/: inside the package where it is installed, beside it in a clone; RunError when neither."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    from sim.config import RunError

    raise RunError(
        f"the folder conf/ is missing beside {package}; install poc2scale again, or work from a whole clone."
    )


def place(group: str) -> tuple[str, ...]:
    """Where a group's options stand in the tree; the tree itself for those that set several nodes."""
    return () if group in EVERYWHERE else tuple(MOUNTED.get(group, group).split("."))


def groups() -> list[str]:
    """Names of the groups, sorted, `scenario` first."""
    names = [p.name for p in conf_folder().iterdir() if p.is_dir() and any(p.glob("*.yaml"))]
    return sorted(names, key=lambda name: (name != "scenario", name))


def names(group: str) -> list[str]:
    """Names of a group's options, sorted."""
    return sorted(p.stem for p in (conf_folder() / group).glob("*.yaml"))


def options(group: str) -> list[Option]:
    """Options of a group, sorted by name."""
    chosen = _defaults().get(group)
    return [Option(n, _first_comment(conf_folder() / group / f"{n}.yaml"), n == chosen) for n in names(group)]


def _first_comment(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            text = line.lstrip("#").strip()
            if line.startswith("#") and not text.startswith("@package"):
                return text
            if not line.startswith("#"):
                break
    return ""


def _defaults() -> dict[str, str]:
    import yaml

    entries = yaml.safe_load((conf_folder() / "config.yaml").read_text(encoding="utf-8")).get("defaults", [])
    pairs = [pair for entry in entries if isinstance(entry, dict) for pair in entry.items()]
    return {str(key).split("@")[0]: str(value) for key, value in pairs}
