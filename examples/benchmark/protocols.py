"""The data sets: which files, which records define normal, which are scored, and what nobody may see."""

import re
from dataclasses import dataclass

# Several files are sorted by class: the records of all but the payments are shuffled, always in the same way.
SHUFFLED = "md5(file_row_number::VARCHAR)"


@dataclass(frozen=True)
class DataSet:
    """One table for the detectors, and the labels that they are measured with."""

    name: str
    group: str
    source: str
    """SQL over file('NAME.parquet'). Gives `label` (null: scored, not judged) and, if split, `part` (fit or score)."""
    hidden: tuple[str, ...] = ()
    """Columns that are computed from the label or say as much as it does."""
    order: str = SHUFFLED
    split: bool = False
    """False: every record is both reference and scored."""
    clean: bool = False
    """True: all reference records are known to be normal."""
    options: tuple[str, ...] = ()
    """What a user would have to say about the columns: pairs of an option of `anomembed scan` and a column."""

    def files(self) -> list[str]:
        """List the files that it is made from."""
        return sorted(set(re.findall(r"file\('(.+?)'\)", self.source)))


NSL_KDD = """
FROM file('nsl_kdd_train.parquet') SELECT *, 'fit' AS part WHERE label = 0
UNION ALL BY NAME
FROM file('nsl_kdd_test.parquet') SELECT *, 'score' AS part"""

# The handbook's week of test payments, after a week in which frauds are still being found out. A card that was found
# out up to eight days before the payment is blocked by then, so that its payments are not judged.
PAYMENTS = """
WITH payments AS (FROM file('fraud_handbook.parquet') WHERE TX_DATETIME < '2018-08-15'),
found_out AS (
    FROM payments SELECT CUSTOMER_ID, min(TX_DATETIME::DATE) + 8 AS blocked
    WHERE label = 1 AND TX_DATETIME >= '2018-07-25' GROUP BY CUSTOMER_ID)
FROM payments LEFT JOIN found_out USING (CUSTOMER_ID)
SELECT TRANSACTION_ID, TX_DATETIME, CUSTOMER_ID, TERMINAL_ID, TX_AMOUNT, file_row_number,
    if(TX_DATETIME::DATE >= blocked, NULL, label) AS label,
    CASE WHEN TX_DATETIME < '2018-08-01' THEN 'fit' WHEN TX_DATETIME < '2018-08-08' THEN 'delay' ELSE 'score' END
        AS part"""
PAYMENT_ROLES = "--time TX_DATETIME --entity CUSTOMER_ID --category TERMINAL_ID --number TX_AMOUNT"
ADREPOSITORY = ("bank", "chess_krkopt", "apascal", "cmc", "covertype", "kdd_probe")

DATA_SETS = (
    *(DataSet(name, "categorical", f"FROM file('adrepo_{name}.parquet')", ("label_name",)) for name in ADREPOSITORY),
    DataSet("amazon_access", "categorical", "FROM file('amazon_employee_access.parquet')", ("ACTION",)),
    DataSet(
        name="nsl_kdd",
        group="mixed columns",
        source=NSL_KDD,
        hidden=("label_name", "attack_type", "difficulty"),
        order="md5(part || file_row_number)",
        split=True,
        clean=True,
    ),
    DataSet("vehicle_claims", "mixed columns", "FROM file('vehicle_insurance_fraud.parquet')", ("PolicyNumber",)),
    DataSet(
        name="card_payments",
        group="payments",
        source=PAYMENTS,
        hidden=("TRANSACTION_ID",),  # the key `record` counts in the same order
        order="TRANSACTION_ID",
        split=True,
        options=tuple(PAYMENT_ROLES.split()),
    ),
)
