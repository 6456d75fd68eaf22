"""Trainings of one workload's model: when each ran, and on what terms, which are those of its start."""

from typing import NamedTuple

from sim.clock.calendar import to_ns
from sim.model.parameters import Training


class Job(NamedTuple):
    """A training: its start, how long its machines run (ns), and the terms on which it was started."""

    start_ns: int
    duration_ns: int
    terms: Training


class Trained(NamedTuple):
    """Trainings started on the same terms, and for how long they have run (ns), whatever their number of machines."""

    jobs: int
    time_ns: int


class Trainings:
    """Keeps what trainings took, so that each is paid on its own terms, whatever a later phase would pay."""

    def __init__(self) -> None:
        self._running: list[Job] = []
        self._over: dict[Training, Trained] = {}

    def start(self, now_ns: int, terms: Training) -> Job:
        """A training begins."""
        for job in [job for job in self._running if job.start_ns + job.duration_ns <= now_ns]:
            self._running.remove(job)
            _add(self._over, job, job.duration_ns)
        job = Job(now_ns, max(1, to_ns(terms.duration_s)), terms)
        self._running.append(job)
        return job

    def break_off(self, job: Job, now_ns: int) -> None:
        """A training ends now, if it has not ended before."""
        if job in self._running:
            self._running.remove(job)
            self._running.append(job._replace(duration_ns=min(now_ns - job.start_ns, job.duration_ns)))

    def so_far(self, now_ns: int) -> dict[Training, Trained]:
        """What was started and has run by now, by its terms."""
        sums = dict(self._over)
        for job in self._running:
            _add(sums, job, min(now_ns - job.start_ns, job.duration_ns))
        return sums


def _add(sums: dict[Training, Trained], job: Job, time_ns: int) -> None:
    jobs, before_ns = sums.get(job.terms, Trained(0, 0))
    sums[job.terms] = Trained(jobs + 1, before_ns + time_ns)
