"""What all tests share: the scenarios on file are composed once for each choice of them."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def _composed_once() -> Iterator[None]:
    """Hydra makes the same tree of the same choices. Reading conf/ anew for each of two thousand refusals took longer
    than all else about them; processes that a test starts compose as ever.
    """
    import hydra

    compose, kept = hydra.compose, {}

    def composed(name: str, overrides: list[str], return_hydra_config: bool = False) -> Any:
        key = (name, *overrides, return_hydra_config)
        if key not in kept:
            kept[key] = compose(name, overrides, return_hydra_config)
        return deepcopy(kept[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hydra, "compose", composed)
        yield
