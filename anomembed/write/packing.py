"""Serialise frozen objects: arrays as npz, PyOD's detectors by skops, everything else as JSON. Loading runs no code.

A packed object is a tree of classes from a fixed list; anything else is refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from io import BytesIO
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import polars as pl
from pydantic import BaseModel
from scipy import sparse

from anomembed.errors import StoreError
from anomembed.score.keeping import dump_detector, load_detector
from anomembed.write.checking import check_archive, check_sparse, load_arrays
from anomembed.write.narrow import narrowed

TREE, ARRAYS = "tree.json", "arrays.npz"


@cache
def reachable(*roots: type) -> frozenset[type]:
    """Return the dataclasses, enumerations and settings reachable from some classes by the types of their fields."""
    reached: set[type] = set()
    seen: set[Any] = set()
    queue: list[Any] = list(roots)
    while queue:
        kind = queue.pop()
        if kind in seen:
            continue
        seen.add(kind)
        queue += [get_origin(kind), *get_args(kind)]
        if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, Enum | BaseModel)):
            reached.add(kind)
            queue += get_type_hints(kind).values() if is_dataclass(kind) else ()
    return frozenset(reached)


class Packer:
    """Packs objects of the given classes and unpacks them again.

    Parameters
    ----------
    classes : sequence of type
        The dataclasses, enumerations and settings that may occur.
    """

    def __init__(self, classes: Sequence[type]) -> None:
        self._classes = {kind.__name__: kind for kind in classes}
        if len(self._classes) < len(classes):  # one would be read as the other
            raise TypeError(f"two classes of a model have one name: {sorted(kind.__name__ for kind in classes)}")

    def pack(self, value: object) -> dict[str, bytes]:
        """Return the parts of a packed object, by name: `TREE`, `ARRAYS`, and one per detector."""
        arrays: dict[str, np.ndarray[Any, Any]] = {}
        parts: dict[str, bytes] = {}
        tree = self._to_tree(value, arrays, parts)
        buffer = BytesIO()
        small = {name: narrowed(array) for name, array in arrays.items()}
        np.savez(buffer, **small)  # type: ignore[arg-type]  # numpy's stub mistakes the names for options
        kinds = {name: array.dtype.str for name, array in arrays.items()}
        return {TREE: json.dumps({"root": tree, "kinds": kinds}).encode(), ARRAYS: buffer.getvalue(), **parts}

    def unpack(self, parts: Mapping[str, bytes]) -> Any:  # noqa: ANN401
        """Return the object packed into `parts`.

        Raises
        ------
        StoreError
            When a part is missing, damaged, or contains a class that is not on the list.
        """
        try:
            tree = json.loads(parts[TREE])
            arrays = load_arrays(parts[ARRAYS], tree.get("kinds", {}))
            return self._from_tree(tree.get("root", tree), arrays, parts)  # in older versions it is all of the tree
        except StoreError:
            raise
        except Exception as error:  # damaged data make numpy, zipfile, JSON, pydantic and skops raise almost anything
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise StoreError(f"the model in the store is damaged: {first}") from error

    def _to_tree(self, value: Any, arrays: dict[str, Any], parts: dict[str, bytes]) -> Any:  # noqa: ANN401, C901
        def below(part: Any) -> Any:  # noqa: ANN401
            return self._to_tree(part, arrays, parts)

        match value:
            case Enum():
                return {"enum": type(value).__name__, "value": value.value}
            case None | bool() | int() | float() | str():
                return value
            case np.ndarray():
                known = (name for name, array in arrays.items() if array is value)  # counts are shared
                name = next(known, f"a{len(arrays)}")
                arrays[name] = value
                return {"array": name}
            case pl.Series():
                return {"text": value.to_list()}
            case sparse.csr_array():
                return {
                    "sparse": [below(part) for part in (value.data, value.indices, value.indptr)],
                    "shape": value.shape,
                }
            case tuple() | list():
                return {"tuple": [below(part) for part in value]}
            case _ if type(value).__name__ in self._classes and is_dataclass(value):
                kept = {field.name: below(getattr(value, field.name)) for field in fields(value) if field.init}
                return {"class": type(value).__name__, "fields": kept}
            case _ if hasattr(value, "model_dump"):
                return {"settings": value.model_dump(mode="json")}
            case _:
                name = f"detector-{len(parts)}"
                kind, parts[name] = dump_detector(value)
                return {"detector": name, "kind": kind}

    def _from_tree(self, tree: Any, arrays: dict[str, Any], parts: Mapping[str, bytes]) -> Any:  # noqa: ANN401, C901
        def below(part: Any) -> Any:  # noqa: ANN401
            return self._from_tree(part, arrays, parts)

        match tree:
            case {"enum": name, "value": value}:
                return self._classes[name](value)
            case {"array": name}:
                return arrays[name]
            case {"text": values}:
                return pl.Series(values, dtype=pl.String)
            case {"sparse": [data, indices, indptr], "shape": shape}:
                name = json.dumps(tree)  # counts stay shared
                if name not in arrays:
                    arrays[name] = sparse.csr_array((below(data), below(indices), below(indptr)), shape=tuple(shape))
                    check_sparse(arrays[name])
                return arrays[name]
            case {"tuple": values}:
                return tuple(below(part) for part in values)
            case {"class": name, "fields": kept}:
                known = {field.name for field in fields(self._classes[name]) if field.init}
                if other := sorted(set(kept) - known):
                    what = f"is damaged or of another version of anomembed (its {name} has {', '.join(other)})"
                    raise StoreError(f"the model in the store {what}: run `anomembed fit` again")
                return self._classes[name](**{field: below(part) for field, part in kept.items()})
            case {"settings": settings}:
                return self._classes["Config"](**settings)
            case {"detector": name, "kind": kind}:
                if parts[name]:
                    check_archive(parts[name])
                return load_detector(kind, parts[name])
            case _:
                return tree
