"""Gives the arrivals of any source the attributes that are drawn request by request: content keys and tenants."""

from dataclasses import replace

from sim.clock.calendar import NS_PER_DAY
from sim.streams import Purpose, Streams
from sim.workload.attributes import ZipfKeys
from sim.workload.block import ArrivalSource, Block, Int64
from sim.workload.parameters import Requests
from sim.workload.zipf import ZipfTable, renew


class AttributedArrivals:
    """The arrivals of another source, with drawn keys and tenants; what that source already knows is kept."""

    def __init__(self, source: ArrivalSource, workload: Requests, name: str, streams: Streams) -> None:
        """name: of the workload, which the streams `keys/NAME` and `tenants/NAME` are called after."""
        self.notes = source.notes
        self._source = source
        self._keys = workload.keys if isinstance(workload.keys, ZipfKeys) else None
        self._contents = None if self._keys is None else ZipfTable(self._keys.catalogue, self._keys.exponent)
        tenants = workload.tenants
        self._tenants = None if tenants.count == 1 else ZipfTable(tenants.count, tenants.exponent)
        self._key_stream, self._tenant_stream = streams.key(f"keys/{name}"), streams.key(f"tenants/{name}")

    def next_block(self) -> Block | None:
        """See `ArrivalSource`."""
        block = self._source.next_block()
        if block is None:
            return None
        key, tenant, n = block.key, block.tenant, block.arrival_ns.size
        if self._contents is not None:
            key = self._drawn_keys(self._contents, block.first_id, block.arrival_ns)
        if self._tenants is not None:
            tenant = self._tenants.ranks(self._tenant_stream, block.first_id, n, Purpose.TENANT).astype("int32")
        return replace(block, key=key, tenant=tenant)

    def _drawn_keys(self, contents: ZipfTable, first_id: int, arrival_ns: Int64) -> Int64:
        assert self._keys is not None
        ranks = contents.ranks(self._key_stream, first_id, arrival_ns.size, Purpose.KEY)
        if self._keys.drift > 0.0:
            renew(self._key_stream, arrival_ns, self._keys.drift / NS_PER_DAY, self._keys.catalogue, ranks)
        return ranks
