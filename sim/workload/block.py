"""What an arrival process hands to the data plane: one block of arrivals at a time."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BLOCK_SIZE = 65_536

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """At most 65,536 consecutive arrivals of one workload.

    first_id: request id of the first arrival, ids are consecutive; arrival_ns: int64[n], ascending, nanoseconds since
    the scenario's start; prompt_tokens, output_tokens: int32[n], or None where the workload's means hold;
    until_ns: every arrival before it has been handed over, more may follow at exactly `until_ns`; key: int64[n], the
    content asked for (equal keys, equal content), or None where no two requests ask for the same; tenant: int32[n], who
    asks, from 0 to the workload's tenant_count - 1, or None where all requests are tenant 0's.
    """

    first_id: int
    arrival_ns: Int64
    prompt_tokens: Int32 | None
    output_tokens: Int32 | None
    until_ns: int
    key: Int64 | None = None
    tenant: Int32 | None = None


class ArrivalSource(Protocol):
    """One workload's arrivals over the whole scenario, from first to last.

    notes: what the user must be told, such as intervals that are missing in a file.
    """

    notes: list[str]

    def next_block(self) -> Block | None:
        """The next arrivals; the last block reaches the horizon, and None follows it."""
        ...


class NoArrivals:
    """Of a closed loop: its users ask when they have been answered, and nobody knows beforehand when that is."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def next_block(self) -> Block | None:
        """There is none."""
        return None
