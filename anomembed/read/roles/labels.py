"""Find the column that holds the answer: a label must not help to find what it marks."""

import re
from collections.abc import Container, Sequence

from anomembed.read.columns import Column, Profile
from anomembed.read.table import Table

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
    table: Table, columns: Sequence[Column], profiles: Sequence[Profile], specified: Container[str]
) -> dict[str, str]:
    """Find columns that look like labels: named so, with one value for what is normal and few records of the others.

    Parameters
    ----------
    table : Table
        The open table.
    columns, profiles : sequence of Column, sequence of Profile
        Its columns, each with its profile.
    specified : container of str
        Names of the columns whose role the user specifies; they are left alone.

    Returns
    -------
    dict of str to str
        By name, why each looks like a label.
    """
    found = {}
    for column, profile in zip(columns, profiles, strict=True):
        if column.name in specified or not LABEL_NAME.fullmatch(column.name) or profile.n_distinct > MOST_CLASSES:
            continue
        counted = dict(table.value_counts(f"CAST({column.expression} AS VARCHAR)", None).drop_nulls().iter_rows())
        normal = {value: n for value, n in counted.items() if NORMAL.fullmatch(value.strip().rstrip("."))}
        n_positive = sum(counted.values()) - sum(normal.values())
        if len(normal) == 1 and 0 < n_positive < MOST_POSITIVE * sum(counted.values()):
            found[column.name] = f"looks like a label: {next(iter(normal))} but for {n_positive:,} records"
    return found
