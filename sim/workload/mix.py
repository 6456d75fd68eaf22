"""Arrivals of a mix of clients: independent streams along one demand curve, merged in order of time."""

import numpy as np

from sim.clock.calendar import Calendar
from sim.workload.block import BLOCK_SIZE, Block
from sim.workload.kernels import FILLED, TAKEN, merge_block
from sim.workload.stream import ArrivalStream

_AHEAD = 4096  # arrivals of each client that are held, 32 kB; of no effect on the merged order
_NEVER = 2**63 - 1


class MixArrivals:
    """Arrivals of several streams in one; the tenant of a request is the number of its stream."""

    def __init__(self, streams: list[ArrivalStream], calendar: Calendar, block_size: int = BLOCK_SIZE) -> None:
        """streams: one for each client, in their order, which decides where two arrive at the same nanosecond."""
        self.notes: list[str] = []
        self._streams, self._horizon_ns, self._size = streams, calendar.horizon_ns, block_size
        self._ahead = np.empty((len(streams), _AHEAD), dtype=np.int64)
        self._state = np.zeros((len(streams), 2), dtype=np.int64)
        self._next_ns = np.full(len(streams), _NEVER)
        self._id = 0
        self._finished = False

    def next_block(self) -> Block | None:
        """See `ArrivalSource`."""
        if self._finished:
            return None
        out, tenant = np.empty(self._size, dtype=np.int64), np.empty(self._size, dtype=np.int32)
        n, first_id = 0, self._id
        while n < self._size and self._refill():
            n += merge_block(self._ahead, self._state, self._next_ns, out[n:], tenant[n:])
        self._id += n
        self._finished = n < self._size
        until_ns = self._horizon_ns if self._finished else int(out[n - 1])
        return Block(first_id, out[:n], None, None, until_ns, tenant=tenant[:n])

    def _refill(self) -> bool:
        """Fill every empty buffer whose stream goes on; False where none has any arrival left."""
        for c in np.flatnonzero(self._state[:, TAKEN] == self._state[:, FILLED]):
            stream = self._streams[c]
            filled = 0 if stream.finished else stream.fill(self._ahead[c])
            self._state[c] = 0, filled
            self._next_ns[c] = self._ahead[c, 0] if filled else _NEVER
        return bool((self._next_ns != _NEVER).any())
