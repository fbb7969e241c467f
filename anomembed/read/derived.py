"""Columns that SQL computes for views of records, besides those of an entity's past."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.read.bursts import Bursts, derive_bursts
from anomembed.read.roles.assigned import Roles
from anomembed.read.table import Table
from anomembed.read.twins import Twins, derive_twins


@dataclass(frozen=True)
class Derived:
    """What is derived.

    Parameters
    ----------
    twins : Twins or None
        Which columns say what a record repeats; None without any.
    bursts : Bursts or None
        Which columns are watched for records that come at once; None without any.
    """

    twins: Twins | None = None
    bursts: Bursts | None = None

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Names of the derived columns, by the part of a batch that they become."""
        return {name: part.columns for name, part in (("twins", self.twins), ("bursts", self.bursts)) if part}

    def nothing(self, n_records: int) -> dict[str, NDArray[np.float64]]:
        """Return the parts of a batch of records that repeat nothing and came alone."""
        return {name: np.full((n_records, len(columns)), np.nan) for name, columns in self.columns.items()}

    def derive(self, table: Table, roles: Roles) -> dict[str, str]:
        """Add the columns to a table, and return the SQL that reads each.

        Parameters
        ----------
        table : Table
            The open table.
        roles : Roles
            Of its columns, as `match_roles` finds them.
        """
        if self.twins:
            derive_twins(table, roles, self.twins)
        bursts = derive_bursts(table, roles, self.bursts) if self.bursts else {}
        return (self.twins.select() if self.twins else {}) | bursts
