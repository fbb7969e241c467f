"""Which column looks like who acts, so that `init` and `scan` can offer it."""

from pathlib import Path

import pytest
from databases import SHARED

from anomembed.config import load_config
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.roles.suggestion import ACTORS, actor_rank, suggest_entity
from anomembed.read.table import Table

N = 3_000
AT = "TIMESTAMP '2026-01-01' + INTERVAL (i) MINUTE AS at"


def suggest(columns, given=None, n=N):
    with SHARED.cursor() as connection:
        frame = connection.sql(f"SELECT {columns} FROM range({n}) t(i)").to_arrow_table()
    with Table(frame) as table:
        return suggest_entity(table, infer_roles(table, given))


def test_payments_are_made_by_customers():
    found = suggest(
        f"i AS payment_id, {AT}, 'card' || i % 400 AS card, 'c' || i % 300 AS customer, 'm' || i % 90 AS merchant, "
        "['web', 'shop'][1 + i % 2] AS channel, i / 7 AS amount"
    )
    assert (found.entity, found.time) == ("customer", "at")


def test_a_log_is_of_users_before_hosts_and_of_hosts_without_users():
    log = f"{AT}, 'srv' || i % 9 AS host, ['login', 'read', 'write'][1 + i % 3] AS action"
    assert suggest(f"{log}, 'u' || i % 40 AS \"user\"").entity == "user"
    assert suggest(log).entity == "host"
    assert suggest(f"{log}, if(i % 3 = 0, 'u' || i % 40, NULL) AS \"user\"").entity == "host"  # mostly nobody


def test_counts_decide_where_names_say_nothing():
    found = suggest(f"{AT}, 'x' || i % 100 AS who, 'y' || i % 60 AS whom, 'm' || i % 250 AS merchant, i / 7 AS amount")
    assert (found.entity, found.time) == ("who", "at")
    assert found.reason in {f"about {n} values with {round(N / n)} records each" for n in range(90, 111)}


@pytest.mark.parametrize(
    "columns",
    [
        "'c' || i % 300 AS customer, i / 7 AS amount",  # no time
        f"{AT}, 'a' || i % 5 AS area, 'b' || i % 7 AS belt, i / 7 AS depth",  # few values
        f"{AT}, 'p' || i % 90 AS product, 'm' || i % 200 AS merchant_name, 'c' || i % 60 AS country",  # things
        f"{AT}, uuid() AS customer, 'b' || i % 7 AS belt",  # a customer for every record
        f"{AT}, 's' || i // 2 AS session, 'b' || i % 7 AS belt",  # two records each
        f"{AT}, 'c' || i % 3 AS card, 'b' || i % 7 AS belt",  # kinds of cards
        f"{AT}, i % 100 AS n_users, i % 50 AS quantity, 'b' || i % 7 AS belt",  # amounts
        f"{AT}, '10.0.0.' || i % 90 AS dst_ip, 'b' || i % 7 AS belt",  # who is acted on
    ],
)
def test_no_one_acts(columns):
    assert suggest(columns) is None


@pytest.mark.parametrize("given", [{Role.CATEGORY: ["customer"]}, {Role.IGNORE: ["customer"]}, {Role.ENTITY: ["x"]}])
def test_what_the_user_specified_is_not_suggested_again(given):
    assert suggest(f"{AT}, 'c' || i % 300 AS customer, 'x' || i % 9 AS x", given) is None


def test_whole_numbers_act_when_they_are_named_so():
    assert suggest(f"{AT}, i % 300 AS CUSTOMER_ID, i % 200 AS duration, i / 7 AS amount").entity == "CUSTOMER_ID"


@pytest.mark.parametrize(
    ("times", "time"),
    [
        (["DATE '1980-01-01' + (i % 300)::INTEGER AS born", AT], "at"),
        ([AT, "TIMESTAMP '2026-02-01' + INTERVAL (i) MINUTE AS shipped"], "at"),
        (["if(i % 2 = 0, NULL, TIMESTAMP '2026-02-01' + INTERVAL (i) MINUTE) AS returned", AT], "at"),
    ],
)
def test_the_time_is_the_finest_that_is_always_known(times, time):
    assert suggest(f"{', '.join(times)}, 'c' || i % 300 AS customer").time == time


@pytest.mark.parametrize(
    ("name", "actor"),
    [
        ("Customer", "customer"),
        ("customerID", "customer"),
        ("card_number", "card"),
        ("cc_num", "cc"),
        ("UserName", "user"),
        ("userid", "user"),
        ("hostname", "host"),
        ("log.client", "client"),
        ("src_ip", "ip"),
        ("user_agent", None),
        ("card_type", None),
        ("age_of_customer", None),
        ("is_host", None),
        ("id", None),
        ("", None),
    ],
)
def test_a_name_is_read_by_its_last_word(name, actor):
    assert actor_rank(name) == (None if actor is None else ACTORS.index(actor))


PAYMENTS = f"""CREATE TABLE payments AS SELECT i AS payment_id, {AT}, DATE '2027-01-01' + (i % 90)::INTEGER AS due,
'c' || i % 60 AS customer, 'm' || i % 9 AS merchant, i / 7 AS amount FROM range({N}) t(i)"""


def test_init_offers_the_entity_and_its_comment_sign_is_all_that_is_in_the_way(run, database):
    path, written = database(PAYMENTS), Path("a.toml")
    assert run("init", path, "-o", written).code == 0
    (offer,) = (line for line in written.read_text().splitlines() if "entity = [" in line)
    assert offer.startswith('# entity = ["customer"]  # looks like who acts, about ')
    left = load_config(written)
    assert (left.roles.entity, left.roles.timestamp) == ((), ("at", "due"))
    with Table(path) as table:
        given = {Role(name): names for name, names in left.roles.model_dump().items()}
        as_left = {column.name: column.role for column in infer_roles(table, given).columns}
        assert as_left == {column.name: column.role for column in infer_roles(table).columns}
    written.write_text(written.read_text().replace("# entity = [", "entity = ["))
    assert load_config(written).roles.entity == ("customer",)
    outcome = run("fit", written)
    assert outcome.code == 0, outcome.err
    assert "entity    customer" in outcome.err


def test_init_offers_no_entity_for_sequences(run, database):
    options = ["--sequence", "customer", "--event", "merchant"]
    assert run("init", database(PAYMENTS), "-o", "a.toml", *options).code == 0
    assert "looks like" not in Path("a.toml").read_text()
    assert "customer" in load_config(Path("a.toml")).roles.category


def test_init_offers_nothing_when_the_user_named_the_entity(run, database):
    assert run("init", database(PAYMENTS), "-o", "a.toml", "--entity", "merchant").code == 0
    assert "looks like" not in Path("a.toml").read_text()
    assert load_config(Path("a.toml")).roles.entity == ("merchant",)


def test_scan_says_in_one_line_what_naming_the_entity_adds(run, database):
    rows = (
        "SELECT i AS id, 'c' || (i % 97) AS customer, 'k' || (i % 5) AS kind, '2026-01-01'::TIMESTAMP + i * INTERVAL 1"
    )
    path = database(f"CREATE TABLE payments AS {rows} MINUTE AS paid_at FROM range(2000) t(i)")
    hint = "customer may be the entity: add --entity customer --time paid_at to compare each record with"
    assert run("scan", path, "payments").err.count(hint) == 1
    assert "may be the entity" not in run("scan", path, "payments", "--entity", "customer", "--time", "paid_at").err
    assert "may be the entity" not in run("scan", path, "(SELECT id, kind, paid_at FROM payments)").err
