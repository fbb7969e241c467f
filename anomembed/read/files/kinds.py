"""What a file is by its first bytes, where these say so; light to import, since every run of a monitor asks."""

import re
from pathlib import Path

from anomembed.errors import SourceError

GLOB = re.compile(r"[*?\[]")
BINARY = {
    b"PAR1": "parquet",
    b"SQLite format 3\0": "a SQLite database: name it as sqlite:///{path}",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook: save the sheet as CSV",
    b"ARROW1": "an Arrow file: write it as Parquet",
    b"Obj\x01": "an Avro file: write it as Parquet",
    b"ORC": "an ORC file: write it as Parquet",
}
"""How binary files begin, and what they are; what cannot be read is told what to do with."""
DATABASE_KIND = "database"
DATABASE = b"DUCK"  # after eight bytes of a checksum
PARQUET = "parquet"


def binary_kind(path: str) -> str | None:
    """Return ``database`` or ``parquet`` when the first bytes of a file say so; None for text.

    Raises
    ------
    SourceError
        When it is a binary file of another kind, or cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    if head[8:12] == DATABASE:
        return DATABASE_KIND
    kind = next((kind for magic, kind in BINARY.items() if head.startswith(magic)), None)
    if kind not in (None, PARQUET):
        raise SourceError(f"{path} is {kind.replace('{path}', path)}")
    return kind
