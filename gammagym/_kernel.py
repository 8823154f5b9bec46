"""The one way to compile a function: ``@kernel``.

Numba's own disk cache looks only at the file of the function it caches. Edit a function that it
*calls*, in another file, and the old result comes back without a word; upgrade the package and the
old fees are charged; switch bounds checking on and nothing is checked. So every kernel lives in a
cache folder named by a digest of all sources that kernels may import and of the compile flags.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, overload

import numba
from numba.core import config

from gammagym import _compiler

_F = TypeVar("_F", bound=Callable[..., Any])

# Numba fills this module with its settings when it is imported.
numba_config: Any = config

PACKAGE = Path(__file__).resolve().parent

# What kernels may import. An edit in a report, the command line or the docs recompiles nothing.
KERNEL_SOURCES = (
    *("_kernel.py", "_compiler.py", "_numba.py", "loop.py"),
    *("recorder.py", "survey.py", "glance.py"),
    *("world", "engine", "exchange", "market", "envs/kernels"),
)
# A debug build checks the whole book after every message: thousands of times slower, for tests.
DEBUG = os.environ.get("GAMMAGYM_DEBUG", "") not in ("", "0")
_KEPT_CACHES = 3
_DIGEST_LENGTH = 24


def _digest() -> str:
    """Hash the sources and flags that compiled code depends on."""
    state = hashlib.sha256()
    for entry in KERNEL_SOURCES:
        path = PACKAGE / entry
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            state.update(file.relative_to(PACKAGE).as_posix().encode())
            state.update(file.read_bytes())
    flags = (numba_config.BOUNDSCHECK, numba_config.OPT, DEBUG)
    state.update(repr((numba.__version__, sys.version_info[:2], flags)).encode())
    return state.hexdigest()[:_DIGEST_LENGTH]


def cache_root() -> Path:
    """Return the folder of compiled kernels of all versions, ``$GAMMAGYM_CACHE_DIR``."""
    if "GAMMAGYM_CACHE_DIR" in os.environ:
        return Path(os.environ["GAMMAGYM_CACHE_DIR"])
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "gammagym"


CACHE_FOLDER = cache_root() / _digest()


def prune_caches() -> None:
    """Delete all but the newest cache folders (called at the end of a test run)."""
    digest = "[0-9a-f]" * _DIGEST_LENGTH
    folders = [path for path in cache_root().glob(digest) if path.is_dir()]
    for old in sorted(folders, key=lambda path: path.stat().st_mtime)[:-_KEPT_CACHES]:
        if old != CACHE_FOLDER:
            shutil.rmtree(old, ignore_errors=True)


@overload
def kernel(function: _F) -> _F: ...
@overload
def kernel(*, inline: bool = False, shared: bool = False) -> Callable[[_F], _F]: ...


def kernel(
    function: _F | None = None,
    *,
    inline: bool = False,
    shared: bool = False,
) -> _F | Callable[[_F], _F]:
    """Compile a function over worlds, or parts of one, with a cache that sees every edit.

    It must neither allocate nor return an array: nobody counts the users of arrays (the caller from
    Python holds them), which makes the engine faster by a third. An index counts from the front,
    and division by zero raises nothing, which is a sixth of all instructions.

    Args:
        function: the function, when used without parentheses.
        inline: force LLVM to inline it; for leaves of at most ten lines only.
        shared: compile it once, whoever calls it; for the few that hold nearly all of the code.

    Raises:
        ImportError: the function's module is not among ``KERNEL_SOURCES``, so that an edit of it
            would go unseen.
    """
    if function is None:
        return lambda inner: _compile(inner, inline, shared)
    return _compile(function, inline, shared)


def _call_template(parts: _compiler.Parts, arguments: Any, keywords: Any) -> Any:
    """Let kernels call each other with integers of 64 bits, whatever the caller has at hand.

    Numba compiles a function anew for every width of integer, and for every constant, that it is
    called with; that would double the time of compilation.
    """
    widened = tuple(_widened(argument) for argument in arguments)
    return parts.call_template(widened, keywords)


def _widened(argument: Any) -> Any:
    plain = numba.types.unliteral(argument)
    is_integer = isinstance(plain, numba.types.Integer) and plain != numba.types.uint64
    return numba.types.int64 if is_integer else argument


def _compile(function: _F, inline: bool, shared: bool) -> _F:
    source = Path(function.__code__.co_filename).resolve()
    if not any(source.is_relative_to(PACKAGE / entry) for entry in KERNEL_SOURCES):
        raise ImportError(
            f"@kernel in {source}: add its package to gammagym._kernel.KERNEL_SOURCES"
        )
    CACHE_FOLDER.mkdir(parents=True, exist_ok=True)
    before = numba_config.CACHE_DIR
    # Numba reads the setting once, while it decorates.
    numba_config.CACHE_DIR = str(CACHE_FOLDER)
    try:
        options: dict[str, Any] = {"forceinline": inline, "_nrt": False}
        # By zero a float is infinite or no number, and an integer 0, as in numpy: one world may
        # fail by it, the others go on. And LLVM sees that nothing raises.
        options["error_model"] = "numpy"
        options["no_cfunc_wrapper"] = True  # nobody calls a kernel from C
        options["pipeline_class"] = _compiler.EntryCompiler
        compiled: Any = numba.njit(cache=True, nogil=True, **options)(function)
        if not numba_config.DISABLE_JIT:
            _compiler.compile_in_turn(compiled, CACHE_FOLDER)
            # How other kernels call it.
            parts = (_compiler.SharedParts if shared else _compiler.Parts)(compiled)
            compiled.get_overload = parts.overload
            compiled.get_call_template = partial(_call_template, parts)
        return compiled
    finally:
        numba_config.CACHE_DIR = before
