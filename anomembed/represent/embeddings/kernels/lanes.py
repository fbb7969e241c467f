"""LLVM intrinsics: 16 float32 numbers as one value in compiled loops.

The learners multiply short vectors millions of times a second. Written as loops over numbers, each gets checks that
cost more than the work; these functions become one or two vector instructions each. The width of an array must be a
multiple of `LANES`; an `index` counts single numbers from the start of the array.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

# ruff: noqa: ANN001, ANN201, ANN202, ANN401, ARG001
# mypy: ignore-errors

LANES = 16
LINE = 64  # bytes of a cache line
VECTOR = ir.VectorType(ir.FloatType(), LANES)
FUSED = ("contract",)  # a product and a sum may become one instruction


class LanesType(types.Type):
    """numba's type of 16 numbers."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes{LANES}")


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)


LANES_TYPE = LanesType()


def aligned(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return zeros, rows padded to whole `LANES`, the first at the start of a cache line."""
    width = -(-shape[1] // LANES) * LANES
    room = np.zeros(shape[0] * width + LINE // 4, np.float32)
    first = -room.ctypes.data % LINE // 4
    return room[first : first + shape[0] * width].reshape(shape[0], width)


def _address(context, builder, kind, array, index):
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), VECTOR.as_pointer())


@intrinsic
def load(typing, array, index):
    """Read 16 numbers from `index` on."""

    def write(context, builder, signature, arguments):
        return builder.load(_address(context, builder, signature.args[0], *arguments), align=4)

    return LANES_TYPE(array, types.intp), write


@intrinsic
def store(typing, array, index, value):
    """Write 16 numbers from `index` on."""

    def write(context, builder, signature, arguments):
        builder.store(arguments[2], _address(context, builder, signature.args[0], *arguments[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES_TYPE), write


@intrinsic
def zeros(typing):
    """Return 16 zeros."""

    def write(context, builder, signature, arguments):
        return ir.Constant(VECTOR, [0.0] * LANES)

    return LANES_TYPE(), write


@intrinsic
def scaled_sum(typing, scale, first, second):
    """Return ``scale * first + second``; `scale` is one number."""

    def write(context, builder, signature, arguments):
        scale, first, second = arguments
        nothing, start = ir.Constant(VECTOR, ir.Undefined), ir.Constant(ir.IntType(32), 0)
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        scales = builder.shuffle_vector(builder.insert_element(nothing, scale, start), nothing, everywhere)
        return builder.fadd(builder.fmul(scales, first, flags=FUSED), second, flags=FUSED)

    return LANES_TYPE(types.float32, LANES_TYPE, LANES_TYPE), write


@intrinsic
def product(typing, first, second):
    """Return the dot product of 16 numbers with 16 others."""

    def write(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.FloatType(), [ir.FloatType(), VECTOR])
        add = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{LANES}f32")
        products = builder.fmul(*arguments, flags=FUSED)
        return builder.call(add, [ir.Constant(ir.FloatType(), 0.0), products], fastmath=("reassoc",))

    return types.float32(LANES_TYPE, LANES_TYPE), write
