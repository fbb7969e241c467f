"""Score by damaged models, each in a process of its own: ``python tests/mutants.py STORE DATA SEED COUNT ...``.

Prints a line of JSON for every model: what was changed, how the process ended, and its memory in MiB.
"""

import faulthandler
import io
import json
import os
import random
import shutil
import signal
import sys
import zipfile
from pathlib import Path

import duckdb
import numpy as np

import anomembed.cli.running  # what is imported here need not be imported by every child
import anomembed.score.nearest  # noqa: F401
from anomembed.cli import main

NUMBERS = (-1, -(10**9), 10**9, 2**31 - 1, 2**62, 0, 1)
SECONDS = 40


def spoil_arrays(part, rng):
    """Change the values, the kind, the shape or the length of one array."""
    arrays = dict(np.load(io.BytesIO(part)))
    name = rng.choice([name for name in arrays if arrays[name].size])
    array = arrays[name].copy()
    how = rng.choice(["values", "all", "kind", "shorter", "longer", "flat", "order", "nan"])
    flat, whole = array.reshape(-1), array.dtype.kind in "iub"
    with np.errstate(all="ignore"):
        if how in ("values", "all"):
            number = np.array(rng.choice(NUMBERS)).astype(array.dtype) if whole else rng.choice(NUMBERS)
            flat[rng.randrange(len(flat)) if how == "values" else slice(None)] = number
        elif how == "nan" and not whole:
            flat[rng.randrange(len(flat))] = rng.choice([np.nan, np.inf, -np.inf])
        elif how == "order":
            array = array[::-1]
        else:
            array = {
                "kind": lambda: array.astype(rng.choice(["i8", "f4", "u1", "U3", "?"])),
                "shorter": lambda: array[: len(array) // 2] if array.ndim else array,
                "longer": lambda: np.concatenate([array, array]) if array.ndim else array,
            }.get(how, lambda: flat)()
    arrays[name] = array
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue(), f"{how} {name}"


def spoil_tree(part, rng):
    """Change one number, text or list of the tree."""
    tree, places = json.loads(part), []

    def visit(node):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            places.append((node, key))
            if isinstance(value, dict | list):
                visit(value)

    visit(tree)
    node, key = rng.choice(places)
    before = json.dumps(node[key])[:40]
    node[key] = rng.choice([*NUMBERS, None, "x", [], {}, 1e308, [1, 2]])
    return json.dumps(tree).encode(), f"{key}: {before} to {node[key]}"


def spoil_bytes(part, rng):
    """Flip bytes, with checksums that are right if it is an archive of arrays."""
    if part[:2] != b"PK":
        return part[: rng.randrange(len(part) + 1)], "cut"
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(part)) as old, zipfile.ZipFile(buffer, "w") as new:
        entries = {entry.filename: bytearray(old.read(entry)) for entry in old.infolist()}
        name = rng.choice(sorted(entries))
        for _ in range(rng.randrange(1, 6)):
            entries[name][rng.randrange(len(entries[name]))] = rng.randrange(256)
        for entry, content in entries.items():
            new.writestr(entry, bytes(content))
    return buffer.getvalue(), f"bytes of {name}"


def spoil(store, rng):
    with duckdb.connect(store) as connection:
        parts = dict(connection.execute("SELECT name, content FROM model_parts").fetchall())
        name = rng.choice(sorted(name for name in parts if parts[name]))
        ways = [spoil_bytes, *([spoil_arrays] * 3 if name == "arrays.npz" else [])]
        changed, what = (spoil_tree if name == "tree.json" else rng.choice(ways))(parts[name], rng)
        connection.execute("UPDATE model_parts SET content = ? WHERE name = ?", [changed, name])
    return f"{name}: {what}"


def score_one(store, data, number, seed):
    """Spoil a copy of the store and score by it; returns what was done, and how the process ended."""
    copy, told = f"{store}.{number}", os.pipe()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(f"{copy}.err", os.O_WRONLY | os.O_CREAT), 2)
        faulthandler.register(signal.SIGALRM, chain=True)
        signal.alarm(SECONDS)
        shutil.copy(store, copy)
        os.write(told[1], spoil(copy, random.Random(seed + number)).encode())
        sys.argv = ["anomembed", "score", data, "-q", "--model", "1", "--store", copy]
        try:
            main()
        except SystemExit as end:
            os._exit(end.code or 0)
        os._exit(0)
    os.close(told[1])
    what = os.read(told[0], 10_000).decode()
    _, status, used = os.wait4(child, 0)
    last = Path(f"{copy}.err").read_text(errors="replace").splitlines()[-3:]
    return {"what": what, "code": os.waitstatus_to_exitcode(status), "mib": used.ru_maxrss // 1024, "said": last}


if __name__ == "__main__":
    for store, data, seed, count in zip(*(sys.argv[first::4] for first in range(1, 5)), strict=True):
        for number in range(int(count)):
            sys.stdout.write(json.dumps(score_one(store, data, number, int(seed))) + "\n")
            sys.stdout.flush()
