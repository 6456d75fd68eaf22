"""The reference engine asks a user's own disciplines, and judges what they answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import index
from typing import Any

from sim.config import RunError
from sim.serving.discipline.zones import zone_of_replica
from sim.serving.entities import Replica, Request
from sim.serving.kernels.state import NO_KEY
from sim.serving.own import Asking, Discipline, Standing, Waiting
from sim.serving.rows import Row
from sim.serving.steering import Traffic
from sim.streams import Purpose, uniform_pair


class Disciplines:
    """A user's functions by name, and the names of the workloads that they are told. functions: pure, as far as anybody
    can tell: what they answer must follow from what they see.
    """

    def __init__(self, functions: Mapping[str, Discipline] | None = None, workloads: Sequence[str] = ()) -> None:
        self._functions: dict[str, Callable[..., Any]] = dict(functions or {})
        self._workloads = workloads

    def choose_replica(
        self, row: Row, r: Request, ready: Sequence[Replica], first: int, turn: int, priority: int, traffic: Traffic,
        now_ns: int,
    ) -> Replica:  # fmt: skip
        """The replica that the row's router chooses of those that are ready. first: the row's first slot."""
        draws = uniform_pair(traffic.service_key, r.request, r.draw, int(Purpose.ROUTING))
        asking = Asking(
            self._workloads[r.workload], r.request, now_ns, r.deadline_ns, _key(r), r.tenant, priority, turn,
            (float(draws[0]), float(draws[1])),
        )  # fmt: skip
        shown = tuple(
            Standing(
                one.slot - first, len(one.queue.waiting), len(one.serving), zone_of_replica(one.slot - first, row.zones)
            )
            for one in ready
        )
        of_number = {view.replica: one for view, one in zip(shown, ready, strict=True)}
        return of_number[self._answer(row.router, (asking, shown), of_number, "the replica of one that is ready")]

    def choose_next(self, row: Row, waiting: Sequence[Request], given_up: Iterable[bool], now_ns: int) -> int:
        """Place of the request that is served next in a queue."""
        shown = tuple(
            Waiting(
                self._workloads[r.workload], r.request, r.arrival_ns, r.gives_up_ns, _key(r), r.tenant, r.priority, over
            )
            for r, over in zip(waiting, given_up, strict=True)
        )
        return self._answer(row.order, (shown, now_ns), range(len(shown)), "the place of one that waits")

    def _answer(self, name: str, seen: tuple[Any, ...], allowed: Any, what: str) -> int:
        """What a function says, if it is one of the allowed numbers."""
        try:
            answer = self._functions[name](*seen)
        except Exception as e:
            raise RunError(f"discipline {name} failed: {type(e).__name__}: {e}. It was shown {_shown(seen)}.") from e
        try:
            number = index(answer)
        except TypeError:
            number = None
        if number is None or isinstance(answer, bool) or number not in allowed:
            choice = ", ".join(str(n) for n in list(allowed)[:8]) + (", ..." if len(allowed) > 8 else "")
            raise RunError(
                f"discipline {name} answered {answer!r}, which is not {what}: {choice}. It was shown {_shown(seen)}."
            )
        return number


def _key(r: Request) -> int | None:
    return None if r.key == NO_KEY else r.key


def _shown(seen: tuple[Any, ...]) -> str:
    text = ", ".join(map(str, seen))
    return text if len(text) <= 400 else text[:397] + "..."
