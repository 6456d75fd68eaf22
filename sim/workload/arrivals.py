"""Arrivals as columns that can be joined, sorted and cut, with what each is called among simultaneous ones."""

from typing import Any, NamedTuple, Self

import numpy as np

from sim.workload.block import Block, Int32, Int64

_CARRIED = ("prompt_tokens", "output_tokens", "key", "tenant")


class Arrivals(NamedTuple):
    """Any number of arrivals of one workload.

    t_ns: int64[n]; id, copy: int64[n], which tell simultaneous ones apart: of the base's request, and 0 or the number
    of its copy; prompt_tokens, output_tokens, key, tenant: as in `Block`, each None for all or for none.
    """

    t_ns: Int64
    id: Int64
    copy: Int64
    prompt_tokens: Int32 | None = None
    output_tokens: Int32 | None = None
    key: Int64 | None = None
    tenant: Int32 | None = None

    @classmethod
    def of(cls, block: Block) -> Self:
        """The arrivals of a block."""
        n = block.arrival_ns.size
        ids = np.arange(block.first_id, block.first_id + n, dtype=np.int64)
        carried = {name: getattr(block, name) for name in _CARRIED}
        return cls(block.arrival_ns, ids, np.zeros(n, dtype=np.int64), **carried)

    @classmethod
    def joined(cls, parts: list[Self]) -> Self | None:
        """All of these behind each other; None where there are none."""
        if len(parts) <= 1:
            return parts[0] if parts else None
        columns: list[Any] = [
            None if column[0] is None else np.concatenate(column) for column in zip(*parts, strict=True)
        ]
        return cls(*columns)

    def part(self, which: Any) -> Self:
        """Those that a slice, an index array or a mask picks."""
        columns: list[Any] = [None if column is None else column[which] for column in self]
        return type(self)(*columns)

    def carrying(self, donors: "Arrivals") -> Self:
        """The same times, with what others of as many carry."""
        return self._replace(**{name: getattr(donors, name) for name in _CARRIED})

    def block(self, first_id: int, until_ns: int) -> Block:
        """These, in their order, as a block."""
        return Block(
            first_id, self.t_ns, self.prompt_tokens, self.output_tokens, until_ns, key=self.key, tenant=self.tenant
        )
