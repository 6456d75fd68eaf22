"""Visits to a row: how long requests were there, from the moment they joined its queue to the end of their service."""

from sim.compiled import inlined
from sim.record.histogram import bucket_of
from sim.serving.kernels.state import State


@inlined
def end_visit(st: State, row: int, entered_ns: int, t: int) -> None:
    """A request that a row has served leaves it at `t`, whether or not its client still waits."""
    visit_ns = t - entered_ns
    st.rows[row].visit_ns += visit_ns
    st.row_histogram[row, bucket_of(visit_ns)] += 1


@inlined
def end_service(st: State, row: int, start_ns: int, t: int, batch: int) -> None:
    """A row has served a batch (an API: a call) from `start_ns` to `t`."""
    st.rows[row].visits += batch
    st.rows[row].service_ns += (t - start_ns) * batch
