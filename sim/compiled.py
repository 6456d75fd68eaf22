"""Compiled kernels: numba functions in a cache on disk that is never stale.

numba's own cache looks at the file of the compiled function alone, and so serves old code when a function that it
calls has changed in another file. Here the cache folder is named by a digest of every source file that takes part in
compiled code, of numba's, llvmlite's, NumPy's and Python's versions, and of the processor.
"""

import hashlib
import os
import platform
import re
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.extending import register_jitable

Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = ["apart", "cache_folder", "inlined", "kernel"]

_NAMES = r"\b(apart|inlined|kernel)\b"
_COMPILES = re.compile(rf"^from sim\.compiled import (\([^)]*{_NAMES}[^)]*\)|[^\n(]*{_NAMES})", re.MULTILINE)
_IMPORT = re.compile(r"^\s*from sim\.([\w.]+) import", re.MULTILINE)


def inlined(function: Function) -> Function:
    """A function that stays plain Python when called from Python and becomes part of any kernel that calls it.

    It allocates nothing: no new arrays, lists or strings.
    """
    # no reference counts: a kernel allocates nothing, and counting its arrays would take most of its time
    result: Function = register_jitable(forceinline=True, _nrt=False)(function)
    return result


def apart(function: Function) -> Function:
    """As `inlined`, but a kernel calls it: for what is long and seldom needed, so that it weighs nothing on the rest.

    Each array that it takes costs seven words a call. It allocates nothing.
    """
    result: Function = register_jitable(_nrt=False)(function)
    return result


class kernel:
    """A compiled function: compiled, or loaded from the cache, at its first call. It allocates nothing."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._compiled: Callable[..., Any] | None = None
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any) -> Any:
        """Call the compiled function (all arguments positional)."""
        return self.compiled()(*args)

    def compiled(self) -> Any:
        """The numba dispatcher; hold on to it where a call must cost as little as possible."""
        if self._compiled is None:
            folder = cache_folder()
            config: Any = numba.config
            njit: Any = numba.njit
            before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
            try:
                self._compiled = njit(cache=True, _nrt=False)(self.function)
            finally:
                config.CACHE_DIR = before
        return self._compiled


def cache_folder() -> Path:
    """Folder that holds the machine code of exactly these sources on exactly this machine; made if missing.

    `POC2SCALE_CACHE` names another place for all such folders; where nothing can be written, a temporary one
    serves this process and those that are told of it.
    """
    base = os.environ.get("POC2SCALE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "poc2scale"
    )
    return _made(Path(base) / f"kernels-{_digest()}")


@cache
def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    own = Path(tempfile.mkdtemp(prefix="poc2scale-kernels-")) / folder.name
    own.mkdir()
    return own


def sources(package: Path | None = None) -> list[Path]:
    """Every source file of the package that takes part in compiled code, sorted.

    Those are the files that define kernels or inlined functions, and all that these import from the package, since
    their constants are compiled in.
    """
    root = package or Path(__file__).parent
    texts = {path: path.read_text(encoding="utf-8") for path in root.rglob("*.py")}
    found: set[Path] = set()
    reached = [path for path, text in texts.items() if path.name == "compiled.py" or _COMPILES.search(text)]
    while reached:
        path = reached.pop()
        if path not in found:
            found.add(path)
            reached += [p for name in _IMPORT.findall(texts[path]) for p in _files(root, name) if p in texts]
    return sorted(found)


def _files(root: Path, module: str) -> list[Path]:
    """Files that `from sim.<module> import` may read."""
    place = root.joinpath(*module.split("."))
    return [place.with_suffix(".py"), place / "__init__.py"]


@cache
def _digest() -> str:
    h = hashlib.blake2b(digest_size=10)
    root = Path(__file__).parent
    for path in sources():
        h.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    import llvmlite
    import numpy

    cpu = os.environ.get("NUMBA_CPU_NAME") or llvmlite.binding.get_host_cpu_name()
    for part in (numba.__version__, llvmlite.__version__, numpy.__version__, sys.version, platform.machine(), cpu):
        h.update(part.encode() + b"\0")
    return h.hexdigest()
