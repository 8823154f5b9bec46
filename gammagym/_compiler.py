"""How kernels become machine code: everything below a function that Python calls, in one go.

Numba compiles a function that another one calls as if Python called it too: with a wrapper that
unpacks Python objects, optimised together with all that it calls, and down to machine code. In a
program ten calls deep, the lowest functions so are optimised ten times. Here a kernel that is
called by a kernel is a *part*: it is translated into LLVM's language, and that is all. What Python
calls is an *entry*: it takes all parts below it into one module, each once, and only that module is
optimised and becomes machine code. Code also gets faster by it, as LLVM sees who calls whom.

This leans on the inside of numba. What is overridden or called is looked for when this module is
imported, so that another version of numba fails there, and does not compile something else.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import (
    boxing,
    cgutils,
    codegen,
    compiler,
    errors,
    pythonapi,
    typed_passes,
    types,
    untyped_passes,
)
from numba.core.environment import Environment
from numba.core.targetconfig import ConfigStack
from numba.core.typing.templates import make_concrete_template
from numba.np import arrayobj

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
_RELIED_ON: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (compiler.Flags, ("no_compile", "no_cpython_wrapper", "forceinline", "copy", "values")),
    (compiler.CompilerBase, ("define_pipelines",)),
    (codegen.CPUCodegen, ("_function_pass_manager", "_module_pass_manager")),
    (codegen.JITCodeLibrary, ("finalize", "_optimize_functions", "_optimize_final_module")),
    (codegen.JITCodeLibrary, ("_get_module_for_linking", "_finalize_final_module")),
    (codegen.JITCodeLibrary, ("_raise_if_finalized",)),
    (codegen.RuntimeLinker, ("PREFIX",)),
    (Environment, ("from_fndesc",)),
    (types.Record, ("__repr__",)),
    (types.BaseFunction, ("get_call_type", "get_impl_key")),
    (arrayobj, ("fix_integer_index",)),
    (boxing, ("unbox_record",)),
    (pythonapi, ("_unboxers", "NativeValue")),
)


def _check_numba() -> None:
    """Refuse a numba without the names that this module builds on."""
    for owner, names in _RELIED_ON:
        for name in names:
            if not hasattr(owner, name):
                raise ImportError(f"this version of numba has no {owner.__name__}.{name}")


_check_numba()


def _describe_records_once() -> None:
    """Let numba write out each type of record once, not at every call that it looks for.

    The description of a world has sixty thousand letters, which took an eighth of the compilation.
    """
    record: Any = types.Record
    describe, known = record.__repr__, dict[int, str]()

    def described(kind: Any) -> str:
        if kind._code not in known:
            known[kind._code] = describe(kind)
        return known[kind._code]

    record.__repr__ = described


_describe_records_once()


def _resolve_calls_once() -> None:
    """Let numba look once for what an operator does with some types, not wherever it stands.

    It tries one implementation after the other, which took a sixth of the compilation.
    """
    function: Any = types.BaseFunction
    resolve, known = function.get_call_type, dict[tuple[Any, ...], tuple[Any, Any]]()

    def resolved(kind: Any, context: Any, arguments: Any, keywords: Any) -> Any:
        settings: Any = ConfigStack.top_or_none()
        # Other code of the process may be compiled with counting.
        counts = settings is not None and settings.nrt
        place = (kind, counts, tuple(arguments), tuple(sorted(keywords.items())))
        if place not in known:
            signature = resolve(kind, context, arguments, keywords)
            known[place] = signature, kind.get_impl_key(signature)
        signature, implementation = known[place]
        kind._impl_keys[signature.args] = implementation
        return signature

    function.get_call_type = resolved


_resolve_calls_once()


def _count_from_the_front() -> None:
    """Let kernels take an index as it is: in them -1 is no row, and never the last one.

    Numba asks at every access whether an index is negative, which was a ninth of all instructions.
    """
    arrays: Any = arrayobj
    fix = arrays.fix_integer_index

    def fixed(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
        if context.enable_nrt:  # other code of the process
            return fix(context, builder, kind, index, size)
        if isinstance(index, ir.Constant) and index.constant < 0:
            raise errors.CompilerError(f"kernels count from the front: no index {index.constant}")
        return context.cast(builder, index, kind, types.intp)

    arrays.fix_integer_index = fixed


_count_from_the_front()


def _take_rows_where_they_lie() -> None:
    """Let kernels that are handed one row of a table find it by itself.

    Numba asks for a view of the row, for which numpy writes out the row's type: a quarter of a
    millisecond for a world, at each call.
    """
    offset = _offset_of_data()
    ask = boxing.unbox_record

    def take(kind: Any, row: Any, steps: Any) -> Any:
        if steps.context.enable_nrt:  # other code of the process
            return ask(kind, row, steps)
        builder = steps.builder
        place = cgutils.pointer_add(builder, row, offset, ir.PointerType(cgutils.voidptr_t))
        data = builder.load(place)
        return pythonapi.NativeValue(builder.bitcast(data, steps.context.get_value_type(kind)))

    pythonapi._unboxers.functions[types.Record] = take


def _offset_of_data() -> int:
    """Return how far into the Python object of a row the address of its data is kept."""
    rows: Any = np.zeros(2, [("number", np.int64)])
    size = sys.getsizeof(rows[0])
    for offset in range(0, size - size % 8, 8):
        kept = [ctypes.c_void_p.from_address(id(row) + offset).value for row in (rows[0], rows[1])]
        if kept == [rows.ctypes.data, rows.ctypes.data + rows.itemsize]:
            return offset
    raise ImportError("this version of numpy keeps the address of a row elsewhere")


_take_rows_where_they_lie()


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
