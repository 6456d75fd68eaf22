"""The memory of buckets and caches: one flat array, written to in one place, so that a look ahead can be undone.

It may hold millions of entries, far too many to copy: while the plane looks ahead, each write leaves a line in the
journal instead, and going back reads the journal from its end.
"""

from sim.compiled import inlined, kernel
from sim.serving.kernels.state import JOURNAL_LENGTH, JOURNAL_ON, State

MOST_WRITES = 12  # by an arrival, or by the end of a request: a bucket's one, and 11 to evict an entry and insert one


@inlined
def put(st: State, place: int, value: int) -> None:
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
