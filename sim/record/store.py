"""Files of a run: written whole under a temporary name, then renamed, so that a killed run leaves no half result."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
_PACKAGES = ("simpy", "numpy", "scipy", "pandas", "pyarrow", "hydra-core", "pydantic", "numba", "matplotlib")


class Stored(Protocol):
    """What of a run is kept (`sim.world.Run`)."""

    timeseries: "pd.DataFrame"
    latency_histogram: "pd.DataFrame"
    ledger: "pd.DataFrame"
    events: "pd.DataFrame"
    requests: "pd.DataFrame | None"
    notes: list[str]
    manifest: dict[str, Any]

    def summary(self) -> dict[str, Any]:
        """The answer."""


def write(
    run: Stored, name: str, scenario_yaml: str, out: Path, *, wall_s: float, report: Callable[[Path], None]
) -> Path:
    """Write everything of a run to out/<name>/<run id>/ and return that folder.

    name: the scenario's; scenario_yaml: it, fully resolved; wall_s: how long the run took; report: writes the report
    into a folder. The run id is the seed and a digest of the scenario: the same run takes the same place, and replaces
    what was there. `latest` beside it points to it. Raises OSError (disk full, no permission); nothing is left behind.
    """
    digest = hashlib.blake2b(scenario_yaml.encode(), digest_size=5).hexdigest()
    run_id = f"seed{run.manifest['seed']}-{digest}"
    home = out / name
    home.mkdir(parents=True, exist_ok=True)
    partial = home / f".{run_id}.partial-{os.getpid()}"
    try:
        partial.mkdir()
        _text(partial / "scenario.yaml", scenario_yaml)
        _text(partial / "summary.json", json.dumps(run.summary(), indent=1, allow_nan=False) + "\n")
        _frames(run, partial)
        report(partial)
        _text(partial / "run.log", _log(run, wall_s))
        manifest = _manifest(run, digest, wall_s)
        _text(partial / "manifest.json", json.dumps(manifest, indent=1) + "\n")
        final = home / run_id
        _replace(partial, final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _point(home / "latest", run_id)
    return final


def _frames(run: Stored, folder: Path) -> None:
    frames = {
        "timeseries": run.timeseries,
        "latency_histogram": run.latency_histogram,
        "ledger": run.ledger,
        "events": run.events,
        "requests": run.requests,
    }
    for name, frame in frames.items():
        if frame is not None:
            frame.to_parquet(folder / f"{name}.parquet", engine="pyarrow", compression="zstd", index=False)


def _manifest(run: Stored, digest: str, wall_s: float) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "schema_version": SCHEMA_VERSION,
        "complete": True,
        "version": version("poc2scale"),
        "git": _git_state(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {package: version(package) for package in _PACKAGES},
        "config_digest": digest,
        "wall_s": round(wall_s, 3),
        **run.manifest,
    }


def _git_state() -> dict[str, Any] | None:
    """Commit of the clone that the code was run from and whether it was changed; None outside of one."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    ask = ["git", "-C", str(root)]
    try:
        commit = subprocess.run([*ask, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True)
        dirty = subprocess.run([*ask, "status", "--porcelain"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit.stdout.strip(), "changed": bool(dirty.stdout.strip())}


def _log(run: Stored, wall_s: float) -> str:
    from datetime import UTC, datetime

    lines = [f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, run finished after {wall_s:.1f} s"]
    lines += [f"note: {note}" for note in run.notes]
    phases = run.events[run.events["kind"].str.startswith("phase_")]
    lines += [f"{at}: {kind} {phase}" for at, kind, phase in zip(phases["time"], phases["kind"], phases["subject"])]
    counts = run.events["kind"].value_counts(sort=False)
    lines += [f"{count} events of kind {kind}" for kind, count in sorted(counts.items())]
    return "\n".join(lines) + "\n"


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _replace(new: Path, final: Path) -> None:
    """Put a folder where another may be; at no moment is there a mixture of the two."""
    if not final.exists():
        new.rename(final)
        return
    old = final.with_name(f".{final.name}.replaced-{os.getpid()}")
    final.rename(old)
    new.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def _point(link: Path, target: str) -> None:
    """Let `link` be a symbolic link to `target`; where the file system has none, there is no link."""
    temporary = link.with_name(f".latest-{os.getpid()}")
    try:
        temporary.symlink_to(target)
        temporary.replace(link)
    except OSError:
        temporary.unlink(missing_ok=True)
