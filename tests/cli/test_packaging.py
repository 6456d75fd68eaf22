"""What is packed: a wheel holds the configuration and the mark of its types, and has the version of the code."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import sim

ROOT = Path(sim.__file__).resolve().parent.parent


def test_a_wheel_holds_conf_and_its_version_is_that_of_the_code(tmp_path):
    for needed in ("build", "hatchling"):
        pytest.importorskip(needed, reason=f"{needed} is not installed, and nothing is downloaded here")
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]

    result = subprocess.run(words, capture_output=True, text=True, timeout=300)

    assert result.returncode == 0, result.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"poc2scale-{sim.__version__}-")
    packed = set(zipfile.ZipFile(wheel).namelist())
    conf = {f"sim/{p.relative_to(ROOT).as_posix()}" for p in (ROOT / "conf").rglob("*.yaml")}
    assert conf <= packed
    assert {"sim/py.typed", "sim/report/report.html.j2"} <= packed
