"""The memory of buckets and caches: one flat array, written to in one place, so that a look ahead can be undone.

It may hold millions of entries, far too many to copy: while the plane looks ahead, each write leaves a line in the
journal instead, and going back reads the journal from its end.

Who writes asks `lacks_room` first. Where the journal lacks room for one more step, the step is left out: the memory
stays whole, the look ahead is void, and its caller goes back.
"""

from sim.compiled import inlined, kernel
from sim.serving.kernels.state import JOURNAL_LENGTH, JOURNAL_ON, State, Store

MOST_WRITES = 24  # by a step: a token taken, an answer used, moved between queues, thrown away or inserted
LIKELY_WRITES = 12  # by a request: a bucket's one, and 11 to evict an entry and insert one


@inlined
def lacks_room(st: Store) -> bool:
    """Whether writes are journalled and the journal may be too full for the writes of one more step."""
    return st.scalars[JOURNAL_ON] != 0 and len(st.journal) - st.scalars[JOURNAL_LENGTH] < MOST_WRITES


@inlined
def put(st: Store, place: int, value: int) -> None:
    """memory[place] = value, journalled while looking ahead; the caller has seen to it that there is room."""
    if st.scalars[JOURNAL_ON] != 0:
        line = st.journal[st.scalars[JOURNAL_LENGTH]]
        line[0] = place
        line[1] = st.memory[place]
        st.scalars[JOURNAL_LENGTH] += 1
    st.memory[place] = value


@kernel
def undo(st: State) -> None:
    """Take back all writes in the journal, the last one first."""
    for i in range(st.scalars[JOURNAL_LENGTH] - 1, -1, -1):
        st.memory[st.journal[i, 0]] = st.journal[i, 1]
    st.scalars[JOURNAL_LENGTH] = 0
