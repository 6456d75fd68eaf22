"""What a command says on standard error, a line each, and how it ends: exit codes, and every error.

Exit codes: 0 done, 1 a stated threshold failed, 2 the input is wrong, 3 the run failed, 130 interrupted.
"""

import sys
from contextlib import suppress

OK, THRESHOLD, WRONG_INPUT, FAILED, INTERRUPTED = 0, 1, 2, 3, 130


class Usage(Exception):
    """Something typed that is no option or verb; the message says what to type."""


def note(text: str) -> None:
    """Print a line on standard error, which ends nothing."""
    with suppress(BrokenPipeError):
        print(text, file=sys.stderr)


def tell(text: str, code: int) -> int:
    """Print how a command ends on standard error; gives the exit code that goes with it."""
    note(text)
    return code


class _Interrupt:
    """Handler of a signal: Ctrl-C, remembered, as a compiler in whose midst it comes may make another error of it."""

    asked = False

    def __call__(self, number: int, frame: object) -> None:
        self.asked = True
        raise KeyboardInterrupt


def stop_when_asked() -> None:
    """Treat SIGTERM (timeout, a container that is stopped) as Ctrl-C, so that it leaves nothing half-written either."""
    import signal

    handler = _Interrupt()
    with suppress(ValueError):  # not in the main thread: whoever runs us there takes care of signals
        signal.signal(signal.SIGTERM, handler)
        usual = signal.getsignal(signal.SIGINT)
        if usual is signal.default_int_handler or isinstance(usual, _Interrupt):  # else a shell wants it ignored
            signal.signal(signal.SIGINT, handler)


def was_stopped() -> bool:
    """Whether a signal has asked this command to stop: what fails then is no bug."""
    import signal

    handler = signal.getsignal(signal.SIGTERM)
    return isinstance(handler, _Interrupt) and handler.asked


def failed(error: Exception) -> int:
    """Tell what went wrong and what to do about it; the exit code."""
    if was_stopped():
        return tell("poc2scale: interrupted; nothing was written.", INTERRUPTED)
    from sim.config.errors import InputError, RunError

    if isinstance(error, InputError):
        count = len(error.problems)
        return tell(f"{error}\n{count} {'problem' if count == 1 else 'problems'}; nothing was written.", WRONG_INPUT)
    if isinstance(error, RunError):
        return tell(f"poc2scale: {error}", FAILED)
    if isinstance(error, MemoryError):
        return tell("poc2scale: out of memory. Take a coarser record.interval or a shorter horizon.", FAILED)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return tell(f"poc2scale: {place}{error.strerror or error}; no results were kept.", FAILED)
    return tell(f"poc2scale: a bug, please report it: {type(error).__name__}: {error} ({_traceback_file()})", FAILED)


def _traceback_file() -> str:
    import os
    import tempfile
    import traceback

    text = traceback.format_exc()
    if os.environ.get("POC2SCALE_DEBUG") == "1":
        print(text, file=sys.stderr, end="")
        return "traceback above"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="poc2scale-", suffix=".log", delete=False, encoding="utf-8"
        ) as log:
            log.write(text)
    except OSError:
        return "type POC2SCALE_DEBUG=1 before the command to see the traceback"
    return f"traceback in {log.name}"


def close_stdout() -> None:
    """Let the interpreter's last flush go nowhere: the reader of our output has left."""
    import os

    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
