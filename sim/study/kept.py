"""Finished replications on disk: one small file each, whole or not there, found again by what was played."""

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sim
from sim.record.store import write_text
from sim.scenario import Scenario, dump
from sim.study.figures import MEASURES, Figures
from sim.workload.parameters import FileWorkload


@dataclass(frozen=True)
class Kept:
    """A folder of replications. reuse: read those that are there, rather than play them again."""

    folder: Path
    reuse: bool

    def find(self, digest: str, replication: int) -> Figures | None:
        """What was kept of a replication; None where nothing was, or what is there is none of ours."""
        if not self.reuse:
            return None
        try:
            content: Any = json.loads(self._path(digest, replication).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        whole = isinstance(content, dict) and set(content) == {*MEASURES, "promises"}
        return content if whole else None

    def add(self, digest: str, replication: int, figures: Figures) -> None:
        """Keep a replication. Raises OSError (disk full, no permission)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self._path(digest, replication), json.dumps(figures, allow_nan=False) + "\n")

    def _path(self, digest: str, replication: int) -> Path:
        return self.folder / f"{digest}-{replication}.json"


def digest_of(scenario: Scenario) -> str:
    """What makes a replication: the whole scenario with its seed, the files that it reads, and our own source."""
    parts = [_source(), dump(scenario)]
    for workload in scenario.workloads.values():
        if isinstance(workload, FileWorkload):
            state = os.stat(str(workload.path))
            parts.append(f"{workload.path} {state.st_size} {state.st_mtime_ns}")
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


@cache
def _source() -> str:
    """Digest of every module of ours: a change of any of them may change what a replication gives."""
    root = Path(str(sim.__file__)).parent
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
