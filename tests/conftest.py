"""What all tests share: the scenarios on file are composed once for each choice of them."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def _composed_once() -> Iterator[None]:
    """Hydra makes the same tree of the same choices. Reading conf/ anew for each of two thousand refusals took longer
    than all else about them; processes that a test starts compose as ever.
    """
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    compose, kept = hydra.compose, {}

    def composed(config_name: str, overrides: Sequence[str] = (), return_hydra_config: bool = False) -> Any:
        read_from = str(GlobalHydra.instance().config_loader().get_search_path())
        key = (read_from, config_name, *overrides, return_hydra_config)
        if key not in kept:
            kept[key] = compose(config_name, list(overrides), return_hydra_config)
        return deepcopy(kept[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hydra, "compose", composed)
        yield
