"""Work spread over processes: they start beside compiled kernels, leave Ctrl-C to their parent, and end with it."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from threading import Thread
from traceback import format_exception
from typing import Any

from sim.config import InputError, Problem, RunError

Task = tuple[Any, ...]
"""Arguments of one call; they travel to the process that makes it."""

MOST_WORKERS = 1024  # assumption: more than the cores of any one machine


def workers_or_all(workers: int | None) -> int:
    """How many processes to use: as asked, or one a core. Raises InputError for what is no such number."""
    if workers is None:
        return os.cpu_count() or 1
    if not 1 <= workers <= MOST_WORKERS:
        message = f"out of range. It must be 1 to {MOST_WORKERS}; type {os.cpu_count() or 1}, one a core."
        raise InputError(Problem("workers", workers, message))
    return workers


class Workers:
    """Processes that make calls. Leaving the block, whichever way, ends them; a single worker is this process."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._processes: list[Any] = []
        self._lines: list[Connection] = []

    def __enter__(self) -> "Workers":
        if self.count > 1:
            context = get_context("spawn")
            with _deaf_to_interrupts(), _callers_script_left_alone():
                for _ in range(self.count):
                    line, far_end = context.Pipe()
                    process = context.Process(target=_serve, args=(far_end,), daemon=True)
                    process.start()
                    far_end.close()
                    self._processes.append(process)
                    self._lines.append(line)
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines:
            line.close()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()

    def map(self, work: Callable[..., Any], tasks: Iterable[Task]) -> Iterator[tuple[Task, Any]]:
        """Each task with its result, as they are finished; a task is taken from `tasks` when somebody is free for it.

        Only one `map` goes on at a time. Raises what the work raises, and RunError where a process has died.
        """
        if not self._lines:
            for task in tasks:
                yield task, work(*task)
            return
        waiting, free, busy = iter(tasks), list(self._lines), dict[Connection, Task]()
        try:
            while True:
                while free and (task := next(waiting, ())):
                    line = free.pop(0)
                    line.send((work, task))
                    busy[line] = task
                if not busy:
                    return
                for line in _answering(busy):
                    result, error = line.recv()
                    task = busy.pop(line)
                    free.append(line)
                    if error is not None:
                        raise error
                    yield task, result
        except (EOFError, ConnectionError):
            message = (
                "a process that played a replication has died, most likely for want of memory. Take fewer workers; "
                "with resume, what is finished is not played again."
            )
            raise RunError(message) from None
        except (GeneratorExit, Exception):
            for line in busy:  # what comes of these calls is nobody's any more
                with suppress(EOFError, OSError):
                    line.recv()
            raise


def _answering(busy: Iterable[Connection]) -> list[Connection]:
    """Those of the lines that have something to say, or have died; waits for the first."""
    return [line for line in connection.wait(list(busy)) if isinstance(line, Connection)]


def _serve(line: Connection) -> None:
    """In a worker: make the calls that come down the line until it is closed."""
    Thread(target=_wait_for_parent, daemon=True).start()
    while True:
        answer: tuple[Any, Exception | None]
        try:
            work, task = line.recv()
        except (EOFError, ConnectionError):
            return
        except Exception as e:  # what came is made of something that is not found here
            missing = f"another process cannot read what it is to play ({type(e).__name__}: {e}). Type workers=1."
            answer = (None, RunError(missing))
        else:
            try:
                answer = (work(*task), None)
            except Exception as e:
                if e.__cause__ is not None:  # it does not travel
                    e.add_note("".join(format_exception(e.__cause__)))
                answer = (None, e)
        with suppress(ConnectionError):
            line.send(answer)


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes begun meanwhile leave Ctrl-C to this one, which ends them."""
    before = None
    with suppress(ValueError):  # not in the main thread: whoever runs us there takes care of signals
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _callers_script_left_alone() -> Iterator[None]:
    """Processes begun meanwhile do not import the script that calls us, as spawned ones would: it might have no
    `if __name__ == "__main__"`, and all that they need lies in this package.
    """
    main = sys.modules["__main__"].__dict__
    hidden: dict[str, Any] = {name: main[name] for name in ("__spec__", "__file__") if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(hidden)
