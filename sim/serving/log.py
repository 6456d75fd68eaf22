"""The request log of the compiled plane: taken out of its state before that is full, and thinned where asked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.serving.arrivals import coming
from sim.serving.kernels.log import thin
from sim.serving.kernels.state import LOG_LENGTH, LOG_ON, State


class Log:
    """Entries (dtype LOG) on their way from the state to whoever takes them. share: of requests that it keeps."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._stored: list[NDArray[Any]] = []

    def make_room(self, st: State) -> State:
        """The state with room in its log, if one is kept, for the end of everyone inside."""
        if not st.scalars[LOG_ON]:
            return st
        self._store(st)
        inside = int(st.workloads["in_system"].sum())
        if inside + 2 > len(st.log):
            st = st._replace(log=np.zeros(2 * (inside + 2), st.log.dtype))
        return st

    def holds(self, st: State, until_ns: int) -> bool:
        """Whether the log has room for all that can end up to `until_ns`: what is stored cannot be gone back on."""
        if not st.scalars[LOG_ON]:
            return True
        most = coming(st, until_ns) + int(st.workloads["in_system"].sum()) + 2
        if st.scalars[LOG_LENGTH] + most > len(st.log):
            self._store(st)
        return most <= len(st.log)

    def take(self, st: State) -> NDArray[Any]:
        """All entries since the last call."""
        self._store(st)
        taken = np.concatenate(self._stored) if self._stored else st.log[:0].copy()
        self._stored = []
        return taken

    def _store(self, st: State) -> None:
        length = int(st.scalars[LOG_LENGTH])
        if length:
            if self._share < 1.0:
                length = thin(st.log, length, st.workloads, self._share)
            self._stored.append(st.log[:length].copy())
            st.scalars[LOG_LENGTH] = 0
