"""The kernel cache is never stale: editing a function that a kernel calls from another file changes the answer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import sim.compiled

CALLEE = """
from sim.compiled import inlined

@inlined
def twice(x):
    return {body}
"""
CALLER = """
from sim.compiled import kernel
from sim.callee import twice

@kernel
def f(x):
    return twice(x)
"""
ASK = "from sim.caller import f; print(f(21), 'loaded' if f.compiled().stats.cache_hits else 'compiled')"


def ask(folder):
    env = {**os.environ, "PYTHONPATH": str(folder), "POC2SCALE_CACHE": str(folder / "cache")}
    command = [sys.executable, "-c", ASK]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_a_changed_callee_is_compiled_again_and_an_unchanged_one_is_not(tmp_path):
    package = tmp_path / "sim"
    package.mkdir()
    (package / "__init__.py").write_text("")
    shutil.copy(sim.compiled.__file__, package / "compiled.py")
    (package / "callee.py").write_text(CALLEE.format(body="x * 2"))
    (package / "caller.py").write_text(CALLER)
    assert ask(tmp_path) == "42 compiled"
    assert ask(tmp_path) == "42 loaded"
    # numba alone looks at caller.py only, which has not changed
    (package / "callee.py").write_text(CALLEE.format(body="x * 3"))
    assert ask(tmp_path) == "63 compiled"


def test_every_kernel_source_takes_part_in_the_digest():
    named = {p.relative_to(Path(sim.compiled.__file__).parent).as_posix() for p in sim.compiled.sources()}
    assert {
        "compiled.py", "streams.py", "record/histogram.py", "serving/kernels/advance.py",
        "serving/kernels/requests.py", "serving/discipline/batching.py", "fleet/metrics.py",
    } <= named  # fmt: skip
    assert "serving/kernels/state.py" in named
