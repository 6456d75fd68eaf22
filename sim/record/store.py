"""Files of a run: written whole under a temporary name, then renamed, so that a killed run leaves no half result."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.record.request_log import RequestLog

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
_ATTEMPTS = 100
_PACKAGES = (
    "simpy", "numpy", "scipy", "pandas", "pyarrow", "hydra-core", "pydantic", "numba", "llvmlite", "matplotlib",
    "tzdata",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Contents:
    """What of a run is kept.

    name: of the scenario; scenario_yaml: it, fully resolved; summary: the answer; frames: with their file names, a
    large one in parts that follow each other, each let go when it is written; events: one of those; notes: what the
    user must be told; manifest: what made the run (seed, engine ...); wall_s: how long it took; requests: their log.
    """

    name: str
    scenario_yaml: str
    summary: dict[str, Any]
    frames: "Iterable[tuple[str, pd.DataFrame]]"
    events: "pd.DataFrame"
    notes: list[str]
    manifest: dict[str, Any]
    wall_s: float
    requests: RequestLog | None = None


def write(run: Contents, out: Path, report: Callable[[Path], None]) -> Path:
    """Write everything of a run to out/<name>/<run id>/ and return that folder.

    report: writes the report into a folder. The run id is the seed and a digest of the scenario and of
    what was asked of it: the same run takes the
    same place, and replaces what was there. `latest` beside it points to it. Raises OSError (disk full, no permission);
    nothing is left behind.
    """
    asked = run.scenario_yaml + ("--scale-check" if run.summary.get("scale_check") else "")
    digest = hashlib.blake2b(asked.encode(), digest_size=5).hexdigest()
    run_id = f"seed{run.manifest['seed']}-{digest}"

    def fill(folder: Path) -> None:
        _text(folder / "scenario.yaml", run.scenario_yaml)
        _text(folder / "summary.json", json.dumps(run.summary, indent=1, allow_nan=False) + "\n")
        for name, parts in groupby(run.frames, key=itemgetter(0)):
            _save(folder / f"{name}.parquet", (frame for _, frame in parts))
        if run.requests is not None:
            run.requests.save(folder / "requests.parquet")
        report(folder)
        _text(folder / "run.log", _log(run))
        _text(folder / "manifest.json", json.dumps(_manifest(run, digest), indent=1) + "\n")

    return write_folder(out / run.name, run_id, fill)


def write_folder(home: Path, name: str, fill: Callable[[Path], None]) -> Path:
    """Write a folder home/name whole: it is filled under a temporary name, and replaces what was there.

    `latest` beside it points to it. Raises OSError and what `fill` raises; nothing is left behind.
    """
    home.mkdir(parents=True, exist_ok=True)
    partial = home / f".{name}.partial-{os.getpid()}"
    try:
        partial.mkdir()
        fill(partial)
        _replace(partial, home / name)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _point(home / "latest", name)
    return home / name


def try_writing(folder: Path) -> None:
    """Make a folder in this one and take it away again: rights alone do not tell, as of /proc, or of what is mounted
    read-only. Raises OSError.
    """
    from tempfile import mkdtemp

    Path(mkdtemp(prefix=".poc2scale-", dir=folder)).rmdir()


def write_text(path: Path, text: str) -> None:
    """Write a file whole: at no moment is there half of it. Raises OSError; nothing is left behind."""
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        _text(partial, text)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _manifest(run: Contents, digest: str) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "complete": True,
        "git": _git_state(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {package: _version(package) for package in _PACKAGES},
        "config_digest": digest,
        "wall_s": round(run.wall_s, 3),
        **run.manifest,
    }


def _version(package: str) -> str | None:
    """Version of an installed package; None where there is none (tzdata, where the system has its own)."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


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


def _save(path: Path, parts: "Iterator[pd.DataFrame]") -> None:
    """One file of one or more frames, their rows below each other."""
    from pyarrow import Table
    from pyarrow.parquet import ParquetWriter

    table = Table.from_pandas(next(parts), preserve_index=False)
    with ParquetWriter(path, table.schema, compression="zstd") as writer:
        writer.write_table(table)
        del table
        for part in parts:
            writer.write_table(Table.from_pandas(part, preserve_index=False))


def _log(run: Contents) -> str:
    from datetime import UTC, datetime

    lines = [f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, run finished after {run.wall_s:.1f} s"]
    lines += [f"note: {note}" for note in run.notes]
    events = run.events
    phases = events[events["kind"].str.startswith("phase_")]
    lines += [f"{at}: {kind} {phase}" for at, kind, phase in zip(phases["time"], phases["kind"], phases["subject"])]
    counts = events["kind"].value_counts(sort=False)
    lines += [f"{count} events of kind {kind}" for kind, count in sorted(counts.items())]
    return "\n".join(lines) + "\n"


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _replace(new: Path, final: Path) -> None:
    """Put a folder where another may be; at no moment is there a mixture of the two.

    Another run of the same scenario may be doing the same: whoever comes last stays.
    """
    old = final.with_name(f".{final.name}.replaced-{os.getpid()}")
    for attempt in range(_ATTEMPTS):
        with suppress(FileNotFoundError):
            final.rename(old)
        try:
            new.rename(final)
            break
        except OSError:
            if not final.exists():
                old.rename(final)
                raise
            if attempt == _ATTEMPTS - 1:
                raise
        finally:
            shutil.rmtree(old, ignore_errors=True)


def _point(link: Path, target: str) -> None:
    """Let `link` be a symbolic link to `target`; where the file system has none, there is no link."""
    temporary = link.with_name(f".latest-{os.getpid()}")
    try:
        temporary.symlink_to(target)
        temporary.replace(link)
    except OSError:
        temporary.unlink(missing_ok=True)
