"""Measured data that an experiment reads and that is not part of the product: SIM_DATA names its folder."""

import os
from pathlib import Path


class Skipped(Exception):
    """An experiment cannot run here; the text says why, and what to do."""


def measured(name: str) -> Path:
    """The file of this name under the folder of SIM_DATA. Raises Skipped when there is none."""
    folder = os.environ.get("SIM_DATA")
    if folder is None:
        raise Skipped(f"SIM_DATA is not set; let it name a folder that holds {name}")
    path = Path(folder) / name
    if not path.is_file():
        raise Skipped(f"SIM_DATA names a folder that does not hold {name}")
    return path
