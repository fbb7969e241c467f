"""The data sets: which files, which records define normal, which are scored, and what nobody may see."""

import re
from dataclasses import dataclass

# Several files are sorted by class: the records of all but the payments are shuffled, always in the same way.
SHUFFLED = "md5(file_row_number::VARCHAR)"
# Where a file has no split of its own: half of the normal records define normal, by the other end of the same hash.
HALF = f"if(label = 0 AND right({SHUFFLED}, 1) < '8', 'fit', 'score')"

CATEGORICAL, MIXED, FRAUD = "categorical", "mixed columns", "fraud"


@dataclass(frozen=True)
class DataSet:
    """One table for the detectors, and the labels that they are measured with."""

    name: str
    group: str
    source: str
    """SQL over file('NAME.parquet'). Gives `label` (null: scored, not judged) and, if split, `part` (fit or score)."""
    hidden: tuple[str, ...] = ()
    """Columns that are computed from the label or say as much as it does, number the rows, or repeat another column."""
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

# As the well-known file of this simulator is split: frauds among the reference.
SPARKOV = "FROM file('sparkov_100.parquet') SELECT *, if(timestamp < '2020-06-21', 'fit', 'score') AS part"
SPARKOV_HIDDEN = "ssn acct_num first last street trans_num unix_time profile"  # more about who, when and the setting
SPARKOV_ROLES = "--time timestamp --entity cc_num --number amt"

AWS_ROLES = "--time EVENT_TIMESTAMP --category email_address --category ip_address"
HTTP_CSIC = "FROM file('http_csic.parquet') SELECT *, if(file = 'train', 'fit', 'score') AS part"
AI4I_HIDDEN = ("UDI", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF")  # two numbers of the row, five kinds of failure
ADREPOSITORY = ("bank", "chess_krkopt", "apascal", "cmc", "covertype", "kdd_probe")


def whole(name: str, group: str, hidden: str = "", options: str = "") -> DataSet:
    """Make a set of which every record is reference and scored."""
    return DataSet(name, group, f"FROM file('{name}.parquet')", tuple(hidden.split()), options=tuple(options.split()))


def halved(name: str, group: str, hidden: str = "") -> DataSet:
    """Make a set that learns from half of its normal records and scores all others."""
    source = f"FROM file('{name}.parquet') SELECT *, {HALF} AS part"
    return DataSet(name, group, source, tuple(hidden.split()), split=True, clean=True)


DATA_SETS = (
    *(DataSet(name, CATEGORICAL, f"FROM file('adrepo_{name}.parquet')", ("label_name",)) for name in ADREPOSITORY),
    DataSet("amazon_access", CATEGORICAL, "FROM file('amazon_employee_access.parquet')", ("ACTION",)),
    halved("phishing_websites", CATEGORICAL),
    DataSet(
        name="nsl_kdd",
        group=MIXED,
        source=NSL_KDD,
        hidden=("label_name", "attack_type", "difficulty"),
        order="md5(part || file_row_number)",
        split=True,
        clean=True,
    ),
    halved("unsw_nb15_82k", MIXED, "id attack_type sttl ct_state_ttl"),  # the last two are marks of the generator
    DataSet("http_csic", MIXED, HTTP_CSIC, ("file", "row"), split=True, clean=True),
    halved("malicious_websites", MIXED, "URL"),  # its first letter is the class
    halved("clamp_pe", MIXED),
    halved("thyroid_hypo", MIXED, "class_name"),
    DataSet("ai4i_2020", MIXED, "FROM file('ai4i_2020.parquet')", AI4I_HIDDEN),
    DataSet("vehicle_claims", MIXED, "FROM file('vehicle_insurance_fraud.parquet')", ("PolicyNumber",)),
    whole("travel_insurance", MIXED),
    whole("credit_default", MIXED, "ID", "--category SEX --category EDUCATION --category MARRIAGE"),
    DataSet(
        name="card_payments",
        group=FRAUD,
        source=PAYMENTS,
        hidden=("TRANSACTION_ID",),  # the key `record` counts in the same order
        order="TRANSACTION_ID",
        split=True,
        options=tuple(PAYMENT_ROLES.split()),
    ),
    DataSet(
        name="sparkov_100",
        group=FRAUD,
        source=SPARKOV,
        hidden=tuple(SPARKOV_HIDDEN.split()),
        split=True,
        options=tuple(SPARKOV_ROLES.split()),
    ),
    whole("talkingdata_sample", FRAUD, "attributed_time", "--time click_time"),  # only positives were attributed
    whole("aws_registration_20k", FRAUD, "EVENT_LABEL", AWS_ROLES),
    whole("shill_bidding", FRAUD, options="--category Auction_ID"),
)
