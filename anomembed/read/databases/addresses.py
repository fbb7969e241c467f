"""Addresses of sources that are no plain file, such as ``postgresql://user@host/db``; none of them holds a secret."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from anomembed.errors import SourceError, nearest_name

ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.DOTALL)
SQLITE, POSTGRESQL, S3 = "sqlite", "postgresql", "s3"
DELTA, ICEBERG = "delta+s3", "iceberg+s3"
AWS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
SECRETS = {SQLITE: "", POSTGRESQL: "PGPASSWORD", S3: AWS, DELTA: AWS, ICEBERG: AWS}
"""The known schemes, and the environment variables that hold the secrets of each."""
DELTA_LOG, ICEBERG_METADATA = "_delta_log", "metadata/*.metadata.json"
SYNONYMS = {"postgres": POSTGRESQL, "s3a": S3}
SECRET = re.compile(r"[?&][^=&]*(pass|secret|token|access_key)[^=&]*=", re.IGNORECASE)


class Address(NamedTuple):
    """An address, taken apart."""

    scheme: str
    rest: str
    """What follows the two slashes."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.rest}"

    @property
    def path(self) -> str:
        """Of a SQLite file: ``sqlite:///a.db`` is in the current folder, ``sqlite:////data/a.db`` is not."""
        return self.rest.removeprefix("/")


def is_address(source: str) -> bool:
    """Tell whether a source is an address, and not a path or a glob."""
    return ADDRESS.fullmatch(source) is not None


def parse_address(source: str) -> Address:
    """Take an address apart.

    Parameters
    ----------
    source : str
        For which `is_address` is true.

    Raises
    ------
    SourceError
        When its scheme is not known, or a secret is in it; the sentence does not repeat it.

    Examples
    --------
    >>> parse_address("postgres://me@host/shop")
    Address(scheme='postgresql', rest='me@host/shop')
    """
    found = ADDRESS.fullmatch(source)
    assert found  # noqa: S101
    scheme = SYNONYMS.get(found[1].lower(), found[1].lower())
    if scheme not in SECRETS:
        raise SourceError(f"no source is read from {scheme}://{nearest_name(scheme, SECRETS)}")
    if _has_secret(found[2]):
        where = SECRETS[scheme]
        raise SourceError(
            f"the {scheme}:// address holds a password or a key, which would be kept with the results: leave it out "
            f"of the address{f' and set {where} in the environment' if where else ''}"
        )
    return Address(scheme, found[2])


def lake_kind(source: str) -> str | None:
    """Return the scheme of a table in a lake: that of its address, or of the folder that it is; None for others."""
    if is_address(source):
        scheme = parse_address(source).scheme
        return scheme if scheme in (S3, DELTA, ICEBERG) else None
    if (Path(source) / DELTA_LOG).is_dir():
        return DELTA
    return ICEBERG if Path(source).is_dir() and any(Path(source).glob(ICEBERG_METADATA)) else None


def _has_secret(rest: str) -> bool:
    """Tell whether there is a password before the host, or a parameter that is named like a secret."""
    before_host, at, _ = rest.rpartition("@")
    return bool(at and ":" in before_host) or SECRET.search(rest) is not None


def map_path(source: str, change: Callable[[str], str]) -> str:
    """Change the path in a source: the source itself, or the path of a SQLite address; others have none.

    Examples
    --------
    >>> [map_path(source, str.upper) for source in ("a.csv", "sqlite:///a.db", "s3://bucket/a.parquet")]
    ['A.CSV', 'sqlite:///A.DB', 's3://bucket/a.parquet']
    """
    if not is_address(source):
        return change(source)
    scheme, _, rest = source.partition("://")
    return f"{scheme}:///{change(rest[1:])}" if scheme.lower() == SQLITE and rest.startswith("/") else source
