"""How kernels become machine code: everything below a function that Python calls, in one go.

Numba compiles a function that another one calls as if Python called it too: with a wrapper that
unpacks Python objects, optimised together with all that it calls, and down to machine code. In a
program ten calls deep, the lowest functions so are optimised ten times. Here a kernel that is
called by a kernel is a *part*: it is translated into LLVM's language, and that is all. What Python
calls is an *entry*: it takes all parts below it into one module, each once, and only that module is
optimised and becomes machine code. Code also gets faster by it, as LLVM sees who calls whom.

A kernel that many entries call, and that is most of them, can be *shared*: it is an entry of its
own, compiled and kept once for all, and machine code that is made elsewhere calls it where it is.

Of several processes that want the same entry, one compiles it; the others wait and load it.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from filelock import FileLock
from llvmlite import binding as llvm
from numba.core import codegen, compiler, errors, sigutils, typed_passes, untyped_passes
from numba.core.compiler_lock import global_compiler_lock
from numba.core.typing.templates import make_concrete_template

from gammagym import _numba

_numba.adapt()

# Left out of numba's own list: closures, `with`, `literally`, `literal_unroll`, inlining by numba,
# fusion of array expressions, parallel loops, and annotated listings. Kernels have none of these.
_PASSES: tuple[Any, ...] = (
    untyped_passes.TranslateByteCode,
    untyped_passes.FixupArgs,
    untyped_passes.IRProcessing,
    untyped_passes.RewriteSemanticConstants,
    untyped_passes.DeadBranchPrune,
    untyped_passes.GenericRewrites,
    untyped_passes.ReconstructSSA,
    typed_passes.NopythonTypeInference,
    typed_passes.PreLowerStripPhis,
    typed_passes.InlineOverloads,
    typed_passes.NoPythonSupportedFeatureValidation,
    typed_passes.IRLegalization,
    typed_passes.NativeLowering,
    typed_passes.NoPythonBackend,
)
# Numba declares that it takes its own compiler only.
_compile_extra: Any = compiler.compile_extra
_ENVIRONMENT = "_ZN08NumbaEnv"  # begins the names of variables that hold Python objects


class _Library(codegen.JITCodeLibrary):
    """The LLVM code of one kernel, and a list of what it calls."""

    def _optimize_functions(self, ll_module: Any) -> None:
        """Shorten each function by itself; numba also visits those that are only declared."""
        ll_module.data_layout = self._codegen._data_layout
        manager, builder = self._codegen._function_pass_manager()
        for function in _defined(ll_module):
            manager.run(function, builder)


class _PartLibrary(_Library):
    """A kernel that kernels call: never machine code by itself."""

    def finalize(self) -> None:
        """Accept no more code."""
        self._raise_if_finalized()
        for variable in self._final_module.global_variables:
            if variable.name.startswith(_ENVIRONMENT):
                variable.linkage = "internal"  # unused, as `Parts` has checked: to be dropped
        self._finalized = True


class _EntryLibrary(_Library):
    """A kernel that Python calls, with everything below it."""

    def finalize(self) -> None:
        """Link all parts, optimise them together and make machine code."""
        self._raise_if_finalized()
        own = {function.name for function in _defined(self._final_module)}
        _link_below(self, self._final_module)
        for function in _defined(self._final_module):
            if function.name not in own:
                function.linkage = "internal"  # so a function with one caller becomes part of it
        self._optimize_final_module()
        self._final_module.verify()
        self._finalize_final_module()

    def _optimize_final_module(self) -> None:
        """Optimise once; numba's first, cheap round is for counting references."""
        manager, builder = self._codegen._module_pass_manager()
        manager.run(self._final_module, builder)


def _defined(module: Any) -> Iterator[Any]:
    return (function for function in module.functions if not function.is_declaration)


def _link_below(library: _Library, module: Any) -> None:
    """Link all that a library calls into a module; callers first, as LLVM skips what is unused."""
    for below in reversed(list(_callees(library, set()))):
        library._reload_init.update(below._reload_init)
        is_part = isinstance(below, _PartLibrary)
        code: Any = below._final_module if is_part else below._get_module_for_linking()
        module.link_in(code, preserve=True)
    for variable in module.global_variables:
        if variable.name.startswith(codegen.RuntimeLinker.PREFIX):
            raise errors.CompilerError(f"kernels may not call each other: {variable.name}")


def _callees(library: Any, seen: set[Any]) -> Iterator[Any]:
    """Yield what a library calls, directly or not, each once and after what it calls itself."""
    for callee in library._linking_libraries:
        if callee not in seen:
            seen.add(callee)
            if isinstance(callee, _PartLibrary):
                yield from _callees(callee, seen)
            yield callee


class _Steps:
    """The passes of numba in order, without its checks, timers and messages between them."""

    pipeline_name = "kernel"

    def __init__(self) -> None:
        self.exec_times: dict[str, float] = {}

    def run(self, state: Any) -> None:
        """Compile the function of `state`."""
        for kind in _PASSES:
            step = kind()
            step.analysis = dict.fromkeys(_PASSES)
            step.run_pass(state)


class EntryCompiler(compiler.CompilerBase):
    """Compiles a kernel for Python to call."""

    library_class: type[_Library] = _EntryLibrary

    def define_pipelines(self) -> list[Any]:
        """Return the one list of passes."""
        name = self.state.func_id.func_qualname
        self.state.library = self.library_class(self.state.targetctx.codegen(), name)
        self.state.library.enable_object_caching()
        return [_Steps()]


class _PartCompiler(EntryCompiler):
    library_class = _PartLibrary


class _Flags(compiler.Flags):
    """Settings that are not changed once they are in use, so that their hash can be kept.

    Numba asks for the hash of all settings at every call that it finds the type of.
    """

    _hash: int | None = None

    def __hash__(self) -> int:
        """Return the hash that equal settings of numba have."""
        if self._hash is None:
            self._hash = super().__hash__()
        return self._hash

    def __eq__(self, other: object) -> bool:
        """Compare by value, as numba does."""
        return self is other or super().__eq__(other)

    def copy(self) -> _Flags:
        """Return the same object, which numba's tables find faster than an equal one."""
        return self


_flags_in_use: dict[_Flags, _Flags] = {}


class _Key:
    """What numba's table of functions knows a part by."""


class Parts:
    """One kernel as kernels call it, compiled for each combination of argument types."""

    def __init__(self, dispatcher: Any) -> None:
        self._dispatcher = dispatcher
        self._compiled: dict[tuple[Any, ...], tuple[_Key, Any]] = {}

    def call_template(self, arguments: Any, keywords: Any) -> tuple[Any, ...]:
        """Return the signature for a call, in the form of ``Dispatcher.get_call_template``."""
        folded = self._dispatcher._compiler.fold_argument_types(arguments, keywords)
        python_signature, types = folded[0], tuple(folded[1])
        if types not in self._compiled:
            self._compiled[types] = self._compile(types)
        name = self._dispatcher.py_func.__name__
        template = make_concrete_template(name, name, [self._compiled[types][1]])
        return template, python_signature, types, {}

    def overload(self, types: Any) -> _Key:
        """Return the key of a compiled part, as ``Dispatcher.get_overload`` does."""
        return self._compiled[tuple(types)][0]

    def _compile(self, types: tuple[Any, ...]) -> tuple[_Key, Any]:
        dispatcher = self._dispatcher
        flags, is_inline = self._flags()
        with dispatcher._compiling_counter:
            result = _compile_extra(
                dispatcher.typingctx,
                dispatcher.targetctx,
                dispatcher.py_func,
                args=types,
                return_type=None,
                flags=flags,
                locals={},
                pipeline_class=_PartCompiler,
            )
        if result.environment.consts:
            raise errors.CompilerError(f"{dispatcher} needs Python objects, which a part has not")
        if is_inline:
            function = result.library.get_function(result.fndesc.llvm_func_name)
            function.add_function_attribute("alwaysinline")
        key = _Key()
        dispatcher.targetctx.insert_user_function(key, result.fndesc, [result.library])
        return key, result.signature

    def _flags(self) -> tuple[Any, bool]:
        """Return the settings for a part, and whether LLVM must inline it.

        That is no setting here: numba compiles its own functions anew for every combination.
        """
        flags: Any = _Flags()
        self._dispatcher.targetdescr.options.parse_as_flags(flags, self._dispatcher.targetoptions)
        flags.no_compile = flags.no_cpython_wrapper = True
        is_inline = flags.forceinline
        flags.forceinline = False
        return _flags_in_use.setdefault(flags, flags), is_inline


@dataclass(frozen=True)
class _Place:
    """Where a shared kernel is found; kept with the code that calls it.

    Numba calls it when it loads such code from disk: the kernel must be known to LLVM by then.
    """

    module: str
    kernel: str
    types: tuple[Any, ...]

    def __call__(self) -> Any:
        """Compile the kernel, or load it, and tell LLVM its address; returns numba's result."""
        dispatcher = getattr(import_module(self.module), self.kernel)
        dispatcher.compile(self.types)
        result = dispatcher.overloads[self.types]
        address = result.library.get_pointer_to_function(result.fndesc.llvm_func_name)
        llvm.add_symbol(self.symbol, address)
        return result

    @property
    def symbol(self) -> str:
        """The name other code calls it by; numba's own is another one in every process."""
        return f"{self.module}.{self.kernel}.{_digest(self.types)}"


def _digest(types: tuple[Any, ...]) -> str:
    return hashlib.sha256(repr(types).encode()).hexdigest()


class SharedParts(Parts):
    """One kernel that kernels call where it is, and Python too."""

    def _compile(self, types: tuple[Any, ...]) -> tuple[_Key, Any]:
        dispatcher = self._dispatcher
        place = _Place(dispatcher.py_func.__module__, dispatcher.py_func.__name__, types)
        result = place()
        description = copy.copy(result.fndesc)
        description.mangled_name = place.symbol
        # In place of its code, callers link what makes it known.
        stand_in = _PartLibrary(dispatcher.targetctx.codegen(), place.symbol)
        stand_in._reload_init.add(place)
        stand_in.finalize()
        key = _Key()
        dispatcher.targetctx.insert_user_function(key, description, [stand_in])
        return key, result.signature


def compile_in_turn(dispatcher: Any, folder: Path) -> None:
    """Let processes that want the same machine code wait for the first, and load what it made.

    Args:
        dispatcher: numba's object for one kernel.
        folder: where files that serve as locks are kept.
    """
    compile_here, function = dispatcher.compile, dispatcher.py_func

    def compile_once(signature: Any) -> Any:
        types = tuple(sigutils.normalize_signature(signature)[0])
        name = f"{function.__module__}.{function.__name__}.{_digest(types)[:16]}.lock"
        # Numba's lock of threads first: whoever holds it may need other kernels on the way.
        with global_compiler_lock, FileLock(folder / name):
            return compile_here(signature)

    dispatcher.compile = compile_once
