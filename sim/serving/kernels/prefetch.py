"""Asks the processor for a cell of an array before it is needed: no result hangs on it, only the wait for memory."""

from collections.abc import Callable
from typing import Any

from numba.core import types
from numba.extending import intrinsic


def _prefetch(context: Any, array: Any, place: Any) -> Any:
    """Bring the cell `array[place]` (0 <= place) of a one-dimensional contiguous array into the nearest cache.

    For compiled code alone, in LLVM's words (`llvm.prefetch`, LLVM language reference).
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir
        from numba.np import arrayobj

        make_array: Any = arrayobj.make_array
        data = make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [address.type], ir.FunctionType(ir.VoidType(), [address.type, word, word, word])
        )
        builder.call(function, [address, word(1), word(3), word(1)])  # to be written to, kept near, data
        return context.get_dummy_value()

    return types.void(array, types.int64), code


prefetch: Callable[..., None] = intrinsic(_prefetch)
