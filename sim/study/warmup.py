"""Kernels compiled ahead: which parts of them a scenario needs, and which of those have been compiled before.

Numba keeps every function as soon as it is compiled, and each a second time for requests that are calls. That some lie
in the cache says little, so a mark is left there when a part is whole.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sim.compiled import cache_folder, sources
from sim.scenario import Scenario, phase_scenarios
from sim.scenario.model import is_call

PLAIN, CALLS = "plain", "calls"
SAYS = {
    PLAIN: "Compiling the request path, once on this machine: about a minute and a half.",
    CALLS: "Compiling the request path of retries, hedges, stages and closed loops, once on this machine: about two "
    "minutes.",
}
_PLAYED = {PLAIN: "", CALLS: '"retry=exponential", '}


def missing(scenarios: Iterable[Scenario]) -> list[str]:
    """The parts that these scenarios need and that have not been compiled yet, PLAIN first."""
    need = {part for scenario in scenarios for part in _parts(scenario)}
    return [part for part in (PLAIN, CALLS) if part in need and not _mark(part).exists()]


def compile_part(part: str) -> None:
    """Fill the kernel cache, from a process of its own: a compiler keeps some 100 MB until its process ends."""
    short = f'"document_assistant", {_PLAYED[part]}"phases=production", "learning=none", "horizon=2 h"'
    command, nowhere = [sys.executable, "-c", f"import sim; sim.simulate(sim.load({short}))"], subprocess.DEVNULL
    env = {**os.environ, "POC2SCALE_CACHE": str(cache_folder().parent)}
    # where it fails, the run itself compiles, and says what is wrong
    if subprocess.run(command, check=False, stdout=nowhere, stderr=nowhere, env=env).returncode == 0:
        with suppress(OSError):
            _mark(part).touch()


def _parts(scenario: Scenario) -> set[str]:
    """The compiled plane plays plain requests until a phase comes that has calls, and all as calls from then on."""
    if scenario.engine == "reference":
        return set()
    calls = [any(map(is_call, phase.workloads.values())) for phase in phase_scenarios(scenario).values()]
    return ({CALLS} if any(calls) else set()) | (set() if calls[0] else {PLAIN})


def _mark(part: str) -> Path:
    """Its name has what numba looks at besides: where the sources lie, and when each was written."""
    h = hashlib.blake2b(digest_size=10)
    for path in sources():
        h.update(f"{path} {path.stat().st_mtime_ns}\0".encode())
    return cache_folder() / f"{part}-{h.hexdigest()}.whole"
