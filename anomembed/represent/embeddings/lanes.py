"""Sixteen float32 numbers as one value in compiled loops.

The loops of the learners multiply short vectors, millions of times a second. Written out number by number, the compiler
treats each as a loop of its own, with checks that cost more than the work; these functions become one or two vector
instructions each. Rows of an array must be multiples of `LANES` long; places count single numbers from its start.
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
LINE = 64  # bytes of a cache line: vectors that begin on one are read at once
VECTOR = ir.VectorType(ir.FloatType(), LANES)
FUSED = ("contract",)  # a product and a sum may become one instruction


class LanesType(types.Type):
    """Type of such a value."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes{LANES}")


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)


LANES_TYPE = LanesType()


def aligned(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return zeros, the rows rounded up to whole `LANES`, the first of them at the start of a cache line."""
    width = -(-shape[1] // LANES) * LANES
    room = np.zeros(shape[0] * width + LINE // 4, np.float32)
    first = -room.ctypes.data % LINE // 4
    return room[first : first + shape[0] * width].reshape(shape[0], width)


def _address(context, builder, kind, array, place):
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), VECTOR.as_pointer())


@intrinsic
def load(typing, array, place):
    """Read the numbers from `place` on."""

    def write(context, builder, signature, arguments):
        return builder.load(_address(context, builder, signature.args[0], *arguments), align=4)

    return LANES_TYPE(array, types.intp), write


@intrinsic
def store(typing, array, place, value):
    """Write the numbers from `place` on."""

    def write(context, builder, signature, arguments):
        builder.store(arguments[2], _address(context, builder, signature.args[0], *arguments[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES_TYPE), write


@intrinsic
def zeros(typing):
    """Return sixteen zeros."""

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
    """Return the sum of the products of two times sixteen numbers."""

    def write(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.FloatType(), [ir.FloatType(), VECTOR])
        add = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{LANES}f32")
        products = builder.fmul(*arguments, flags=FUSED)
        return builder.call(add, [ir.Constant(ir.FloatType(), 0.0), products], fastmath=("reassoc",))

    return types.float32(LANES_TYPE, LANES_TYPE), write
