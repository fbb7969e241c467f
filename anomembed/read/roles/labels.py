"""Find the column that holds the answer: a label must not help to find what it marks."""

import re
from collections.abc import Iterable, Mapping, Sequence

from anomembed.read.columns import Column, Profile
from anomembed.read.roles.role import Role
from anomembed.read.roles.suggestion import WORDS
from anomembed.read.table import Table

NAMED_LABEL = re.compile(r"labels?(_?(class|flag|cat|category|type|name|id|ind|indicator|fl))?", re.IGNORECASE)
LABEL_WORD = re.compile(
    r"labels?|class|target|outcome|truth|anomal(y|ies|ous)|outlier|fraud|attack|malicious|malware|intrusion",
    re.IGNORECASE,
)
LABEL_NAME = re.compile(
    r"(is|was|has)?_?(label|labels|class|target|outcome|ground_?truth|y|anomal(y|ies|ous)|outlier|fraud(ulent)?|attack"
    r"|malicious|malware|abnormal|suspicious|intrusion|chargeback|laundering)"
    r"(_?(label|class|flag|cat|category|type|name|id|ind|indicator|fl))?",
    re.IGNORECASE,
)
NORMAL = re.compile(
    r"-|0|0\.0|f|false|n|no|none|normal|benign|legit(imate)?|genuine|ok|good|clean|inlier|non.?fraud|not.?fraud",
    re.IGNORECASE,
)
MOST_CLASSES = 50  # kinds of anomalies that a label tells apart
MOST_POSITIVE = 0.5  # share of the records; what marks more is a class among others


def find_labels(
    table: Table, columns: Sequence[Column], profiles: Sequence[Profile], specified: Mapping[str, Role]
) -> dict[str, str]:
    """Find columns that look like labels: named so, with one value for what is normal and few records of the others.

    What has a word of a label in its name, and goes with such a label value by value, is one as well, whatever its
    values are called.

    Parameters
    ----------
    table : Table
        The open table.
    columns, profiles : sequence of Column, sequence of Profile
        Its columns, each with its profile.
    specified : mapping of str to Role
        The roles that the user specifies; these columns are left alone.

    Returns
    -------
    dict of str to str
        By name, why each looks like a label.
    """
    few = [column for column, profile in zip(columns, profiles, strict=True) if profile.n_distinct <= MOST_CLASSES]
    known = [column for column in few if specified.get(column.name, Role.IGNORE) is Role.IGNORE]
    found = dict(_two_sided(table, (column for column in known if LABEL_NAME.fullmatch(column.name))))
    labels = [column for column in known if column.name in found]
    for column in known:
        if column.name not in found and any(map(LABEL_WORD.fullmatch, WORDS.findall(column.name))):
            label = next((label for label in labels if _tells(table, column, label)), None)
            if label:
                found[column.name] = f"looks like a label: each of its values goes with one of {label.name}"
    return {name: why for name, why in found.items() if name not in specified}


def is_named_label(name: str) -> bool:
    """Tell whether a column is called a label; a record label may be."""
    return NAMED_LABEL.fullmatch(name) is not None


def _two_sided(table: Table, columns: Iterable[Column]) -> Iterable[tuple[str, str]]:
    """Yield the columns with one value for what is normal and few records of the others, and why."""
    for column in columns:
        counted = dict(table.value_counts(f"CAST({column.expression} AS VARCHAR)", None).drop_nulls().iter_rows())
        normal = {value: n for value, n in counted.items() if NORMAL.fullmatch(value.strip().rstrip("."))}
        n_positive = sum(counted.values()) - sum(normal.values())
        if len(normal) == 1 and 0 < n_positive < MOST_POSITIVE * sum(counted.values()):
            yield column.name, f"looks like a label: {next(iter(normal))} but for {n_positive:,} records"


def _tells(table: Table, column: Column, label: Column) -> bool:
    """Tell whether all records with a value of a column have one value of a label."""
    value, answer = (f"coalesce(CAST({one.expression} AS VARCHAR), '')" for one in (column, label))
    n_values, n_pairs = table.aggregate([f"count(DISTINCT {value})", f"count(DISTINCT row({value}, {answer}))"])
    return bool(n_values == n_pairs)
