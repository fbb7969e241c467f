"""LLVM intrinsics: several float32 numbers as one value in compiled loops.

The learners multiply short vectors millions of times a second. Written as loops over numbers, each gets checks that
cost more than the work; these functions become one or a few vector instructions each, on any processor. An `index`
counts single numbers from the start of an array.
"""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

# ruff: noqa: ANN001, ANN202, ANN401, ARG001
# mypy: ignore-errors

LANES = 16  # numbers of the vectors that learners multiply: the width of their arrays is a multiple
LINE = 64  # bytes of a cache line
FUSED = ("contract",)  # a product and a sum may become one instruction


def _has_long_registers() -> bool:
    try:
        return bool(get_host_cpu_features().get("avx512f"))
    except RuntimeError:  # not known of this processor
        return False


# Numbers of the vectors of which four sums fill the registers, where all are needed; results do not depend on it.
# Distances to references of 17 numbers take .7 times as long by 64 as by 32 with AVX-512, and 1.4 times with AVX2.
WIDE = 64 if _has_long_registers() else 32


class LanesType(types.Type):
    """numba's type of so many numbers."""

    def __init__(self, width: int) -> None:
        self.vector = ir.VectorType(ir.FloatType(), width)
        super().__init__(name=f"Lanes{width}")


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, kind.vector)


class Operations(NamedTuple):
    """What loops do with so many numbers at a time."""

    load: Any
    store: Any
    spread: Any
    scaled_sum: Any
    larger: Any
    product: Any


def aligned(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return zeros, rows padded to whole `LANES`, the first at the start of a cache line."""
    width = -(-shape[1] // LANES) * LANES
    room = np.zeros(shape[0] * width + LINE // 4, np.float32)
    first = -room.ctypes.data % LINE // 4
    return room[first : first + shape[0] * width].reshape(shape[0], width)


def _address(context, builder, kind, array, index, vector):
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _repeat(builder, number, vector):
    nothing, start = ir.Constant(vector, ir.Undefined), ir.Constant(ir.IntType(32), 0)
    everywhere = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(builder.insert_element(nothing, number, start), nothing, everywhere)


def _loading(kind):
    @intrinsic
    def load(typing, array, index):
        """Read so many numbers from `index` on."""

        def write(context, builder, signature, arguments):
            return builder.load(_address(context, builder, signature.args[0], *arguments, kind.vector), align=4)

        return kind(array, types.intp), write

    return load


def _storing(kind):
    @intrinsic
    def store(typing, array, index, value):
        """Write so many numbers from `index` on."""

        def write(context, builder, signature, arguments):
            array, index, value = arguments
            builder.store(value, _address(context, builder, signature.args[0], array, index, kind.vector), align=4)
            return context.get_dummy_value()

        return types.void(array, types.intp, kind), write

    return store


def _spreading(kind):
    @intrinsic
    def spread(typing, number):
        """Return one number so many times."""

        def write(context, builder, signature, arguments):
            return _repeat(builder, *arguments, kind.vector)

        return kind(types.float32), write

    return spread


def _scaling(kind):
    @intrinsic
    def scaled_sum(typing, scale, first, second):
        """Return ``scale * first + second``; `scale` is one number."""

        def write(context, builder, signature, arguments):
            scale, first, second = arguments
            scaled = builder.fmul(_repeat(builder, scale, kind.vector), first, flags=FUSED)
            return builder.fadd(scaled, second, flags=FUSED)

        return kind(types.float32, kind, kind), write

    return scaled_sum


def _choosing(kind):
    @intrinsic
    def larger(typing, first, second):
        """Return the larger number of each pair."""

        def write(context, builder, signature, arguments):
            return builder.select(builder.fcmp_ordered(">", *arguments), *arguments)

        return kind(kind, kind), write

    return larger


def _multiplying(kind):
    @intrinsic
    def product(typing, first, second):
        """Return the dot product of so many numbers with others."""

        def write(context, builder, signature, arguments):
            function = ir.FunctionType(ir.FloatType(), [ir.FloatType(), kind.vector])
            name = f"llvm.vector.reduce.fadd.v{kind.vector.count}f32"
            add = cgutils.get_or_insert_function(builder.module, function, name)
            products = builder.fmul(*arguments, flags=FUSED)
            return builder.call(add, [ir.Constant(ir.FloatType(), 0.0), products], fastmath=("reassoc",))

        return types.float32(kind, kind), write

    return product


def _operations(width: int) -> Operations:
    """Return the operations on so many numbers."""
    kind = LanesType(width)
    makers = (_loading, _storing, _spreading, _scaling, _choosing, _multiplying)
    return Operations(*(make(kind) for make in makers))


load, store, spread, scaled_sum, _, product = _operations(LANES)
load_wide, store_wide, spread_wide, scaled_sum_wide, larger_wide, _ = _operations(WIDE)
