"""What of numba is done otherwise for kernels.

This leans on the inside of numba. What is overridden or called, here and in `_compiler`, is looked
for first, so that another version of numba fails there, and does not compile something else.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import (
    boxing,
    cgutils,
    codegen,
    compiler,
    compiler_lock,
    dispatcher,
    errors,
    funcdesc,
    pythonapi,
    sigutils,
    types,
)
from numba.core.environment import Environment
from numba.core.targetconfig import ConfigStack
from numba.np import arrayobj

_RELIED_ON: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (compiler.Flags, ("no_compile", "no_cpython_wrapper", "forceinline", "copy", "values")),
    (compiler.CompilerBase, ("define_pipelines",)),
    (codegen.CPUCodegen, ("_function_pass_manager", "_module_pass_manager")),
    (codegen.JITCodeLibrary, ("finalize", "_optimize_functions", "_optimize_final_module")),
    (codegen.JITCodeLibrary, ("_get_module_for_linking", "_finalize_final_module")),
    (codegen.JITCodeLibrary, ("_raise_if_finalized", "get_pointer_to_function")),
    (compiler.CompileResult, ("_reduce", "_rebuild")),
    (funcdesc.FunctionDescriptor, ("mangled_name", "llvm_func_name")),
    (codegen.RuntimeLinker, ("PREFIX",)),
    (dispatcher.Dispatcher, ("compile", "get_call_template", "get_overload")),
    (sigutils, ("normalize_signature",)),
    (compiler_lock, ("global_compiler_lock",)),
    (Environment, ("from_fndesc",)),
    (types.Record, ("__repr__",)),
    (types.BaseFunction, ("get_call_type", "get_impl_key")),
    (arrayobj, ("fix_integer_index",)),
    (boxing, ("unbox_record",)),
    (pythonapi, ("_unboxers", "NativeValue")),
)


def adapt() -> None:
    """Change what numba does for kernels; other code of the process it compiles as ever.

    Raises:
        ImportError: this version of numba or numpy has another inside.
    """
    _check_numba()
    _describe_records_once()
    _resolve_calls_once()
    _count_from_the_front()
    _take_rows_where_they_lie()


def _check_numba() -> None:
    """Refuse a numba without the names that this module builds on."""
    for owner, names in _RELIED_ON:
        for name in names:
            if not hasattr(owner, name):
                raise ImportError(f"this version of numba has no {owner.__name__}.{name}")


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
