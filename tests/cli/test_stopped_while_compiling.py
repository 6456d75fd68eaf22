"""To be stopped while the request path is being compiled is an interruption, whatever the compiler makes of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHORT = ["phases=production", "learning=none", "horizon=2 h"]
MAIN = "from sim.cli import main; sys.exit(main())"
SLEEPS = f"""
import sys, subprocess
from sim.study import warmup
real = subprocess.run
warmup.missing = lambda scenarios: ["plain"]
subprocess.run = lambda command, **more: real([sys.executable, "-c", "import time; time.sleep(60)"], **more)
{MAIN}
"""
TURNS_IT = f"""
import sys, time
import sim.world
from sim.study import warmup
def simulate(*_, **__):
    print("simulating", file=sys.stderr, flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        raise RuntimeError("no compiled object yet") from None  # as numba says where a callback of LLVM was interrupted
sim.world.simulate = simulate
warmup.missing = lambda scenarios: []
{MAIN}
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("code", "more"), [(SLEEPS, []), (TURNS_IT, ["--quiet"])])
def test_whoever_stops_the_compiler_is_told_so(how, code, more, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", *SHORT, *more], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # ignored under a background shell
    )  # fmt: skip
    assert process.stderr.readline().split()[0] in ("Compiling", "simulating")

    process.send_signal(how)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (130, "", "poc2scale: interrupted; nothing was written.\n")
    assert list(tmp_path.iterdir()) == []
