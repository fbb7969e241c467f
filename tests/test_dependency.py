"""A value that breaks what another always comes with is found; where rules are often broken, or are none, it is not."""

import math
from collections import Counter, defaultdict

import numpy as np
import polars as pl
import pytest
from modes import terms_of

from anomembed import Config, fit_model, scan, score_table
from anomembed.fit.model import learn_model
from anomembed.read.table import Table
from anomembed.views.view import TWICE_FROM

N, VENDORS = 4000, 100
ROLES = {"key": ["id"]}
CONFIG = Config(roles=ROLES, flags={"budget": 10})


def payments(changed=(2000,), *, to="{}", seed=0, n_vendors=VENDORS):
    """Vendors with an account each; `changed` payments go to another account."""
    rng = np.random.default_rng(seed)
    vendor = rng.integers(0, n_vendors, N)
    account = [f"A{v}" for v in vendor]
    for place, record in enumerate(changed):
        account[record] = to.format(f"B{place}")
    return pl.DataFrame(
        {
            "id": np.arange(N),
            "vendor": [f"V{v}" for v in vendor],
            "account": account,
            "clerk": [f"K{i}" for i in rng.integers(0, 8, N)],
            "amount": rng.lognormal(5, 0.5, N).round(2),
        }
    )


def told(frame, config=CONFIG):
    """Records with a term of the view."""
    return {key for key, term in terms_of(frame, "dependency", config).items() if term > 0}


def rules(model):
    return [rule for judged in model.views if judged.view.name == "dependency" for rule in judged.view.rules]


@pytest.mark.parametrize("roles", [{}, {"entity": ["vendor"]}], ids=["plain", "entity"])
@pytest.mark.parametrize("to", ["{}", "A7"], ids=["new", "of another vendor"])
def test_a_payment_to_another_account_comes_first_and_its_figures_can_be_counted(roles, to):
    frame = payments(to=to)
    first = scan(frame, config={"roles": ROLES | roles, "flags": {"budget": 1}}).flags.frame.row(0, named=True)
    vendor, account = frame["vendor"][2000], frame["account"][2000]
    n = frame.filter(vendor=vendor).height
    usual = f"{n - 1} of the {n} records with vendor={vendor} have account=A{vendor[1:]}"
    assert first["id"] == 2000
    assert first["reason"] == f"account={account} is unusual with vendor={vendor}: {usual}"


def test_what_three_of_four_records_have_is_not_usual_for_a_new_one():
    """The others of a record that breaks a rule are one fewer where it is among those counted."""
    frame = payments(())
    few = [{"vendor": f"few{v}", "account": f"C{v}" if n else f"D{v}"} for v in range(40) for n in range(4)]
    more = pl.DataFrame(few).with_row_index("id", offset=N).with_columns(pl.col("id").cast(pl.Int64))
    model = fit_model(pl.concat([frame, more], how="diagonal"), config=CONFIG)
    (rule,) = (rule for rule in rules(model) if model.vocabulary.names[rule.given] == "vendor")
    first, together = model.vocabulary.offsets[rule.given], model.counts.together
    usual = [(first + code, token) for code, token in enumerate(rule.usual.tolist()) if token >= 0]
    n_of = {
        given: together[[given]].toarray()[0][slice(*model.vocabulary.offsets[rule.told :][:2])].sum()
        for given, _ in usual
    }
    assert len(usual) >= VENDORS
    assert min(together[given, token] / n_of[given] for given, token in usual) >= 0.8


@pytest.mark.parametrize("clean", [False, True], ids=["mixed", "clean"])
def test_new_records_are_held_against_the_rules_of_the_reference(clean):
    vendors, accounts = ["V1", "V1", "V1", "new"], ["A1", "A999", "A2", "A999"]
    new = pl.DataFrame({"id": range(4), "vendor": vendors, "account": accounts, "clerk": "K1", "amount": 150.0})
    config = Config(roles=ROLES, reference={"clean": clean}, flags={"budget": 4})
    model = fit_model(payments(()), config=config)
    flags = score_table(model, new).flags
    assert set(flags.frame["id"][:2]) == {1, 2}
    n = model.counts.single[model.vocabulary.token_names.index(("vendor", "V1"))] + sum(
        model.vocabulary.token_names[token] == ("vendor", "V1") for token in model.held_out[:, 0]
    )
    reason = dict(flags.frame.select("id", "reason").iter_rows())[1]
    usually = f"of the {n:.0f} records with vendor=V1 usually: A1 ({n:.0f})"
    assert reason == f"account=A999 was never seen in the reference; {usually}"
    (judged,) = (judged for judged in model.views if judged.view.name == "dependency")
    batch = model.make_batch(new.select("vendor", "account", "clerk", "amount"))
    assert (judged.raw(batch) > 0).tolist() == [False, True, True, False]  # whom nobody knows has no account yet


def drawn(seed, n=3000):
    """Five columns that tell each other more or less: some values have few records, some rules are often broken."""
    rng = np.random.default_rng(seed)
    who = (300 * rng.random(n) ** 3).astype(int)
    shares = {"town": 0.002, "team": 0.01, "desk": 0.03, "flag": 0.001}
    sizes = {"town": 300, "team": 12, "desk": 80, "flag": 2}
    columns = {"who": [f"w{i}" for i in who]}
    for name, share in shares.items():
        odd = np.where(rng.random(n) < share, rng.integers(1, 400, n), 0)
        columns[name] = [f"{name}{i}" for i in (who * 7 % sizes[name] + odd)]
    columns["town"] = [None if i % 40 == 0 else town for i, town in enumerate(columns["town"])]
    return pl.DataFrame({"id": np.arange(n), **columns})


def broken_by(frame, given, told):
    """Hold each record with both values against the others with its first: those that keep the rule or break it."""
    known = frame.drop_nulls([given, told])
    by_value = defaultdict(Counter)
    for one, other in known.select(given, told).iter_rows():
        by_value[one][other] += 1
    n_told = Counter(frame[told].drop_nulls().to_list())
    keeps, breaks = set(), set()
    for key, one, other in known.select("id", given, told).iter_rows():
        others = by_value[one] - Counter([other])
        most = max(others.values(), default=0)
        usual = {value for value, times in others.items() if times == most and n_told[value] <= frame.height / 2}
        n = others.total()
        if n >= 3 and most >= 0.8 * n and (n - most <= 2 or n - most <= 0.05 * n) and usual:
            (keeps if other in usual else breaks).add(key)
    return keeps, breaks


@pytest.mark.parametrize("seed", range(3))
def test_rules_and_what_breaks_them_are_those_that_a_reader_finds_record_by_record(seed):
    frame = drawn(seed)
    names = frame.columns[1:]
    with Table(frame) as table:
        model = learn_model(table, Config(roles=ROLES | {"category": names}), is_own=True)
    found = {(given, told): broken_by(frame, given, told) for given in names for told in names if given != told}
    nats = {ends: -math.log((len(b) + 0.5) / (len(k) + len(b) + 1)) for ends, (k, b) in found.items() if k}
    strict = {ends: value for ends, value in nats.items() if value > 4}
    worth = {ends: value - math.log(len({told for _, told in strict})) for ends, value in strict.items()}
    name_of = model.vocabulary.names
    assert {(name_of[rule.given], name_of[rule.told]): rule.nats for rule in rules(model)} == pytest.approx(worth)
    assert 0 < len(worth) < len(nats)

    count = {name: Counter(frame[name].drop_nulls().to_list()) for name in names}
    expected = np.zeros(frame.height)
    for at, row in enumerate(frame.iter_rows(named=True)):
        for (given, told), value in worth.items():
            by_chance = count[given][row[given]] * count[told][row[told]] / frame.height
            if at in found[given, told][1] and (by_chance < 1 or nats[given, told] >= TWICE_FROM):
                expected[at] = max(expected[at], value)
    (judged,) = (judged for judged in model.views if judged.view.name == "dependency")
    assert judged.raw(model.make_batch(frame.select(names))) == pytest.approx(expected)
    assert 0 < np.count_nonzero(expected) < sum(len(b) for _, b in found.values())


@pytest.mark.parametrize("seed", range(2))
def test_a_rule_that_common_values_break_comes_before_what_merely_seldom_meets(seed):
    """Every host is of one application, but in six records; teams and applications differ in what they mostly do."""
    n, n_apps, rng = 12_000, 12, np.random.default_rng(seed)
    team = rng.integers(0, 6, n)
    app = np.where(rng.random(n) < 0.002, rng.integers(0, n_apps, n), (team * 2 + rng.integers(0, 3, n)) % n_apps)
    action = np.where(rng.random(n) < 0.002, rng.integers(0, 8, n), (app + rng.integers(0, 3, n)) % 8)
    host, planted = 2 * app + rng.integers(0, 2, n), rng.choice(n, 6, replace=False)
    host[planted] = (host[planted] + 2 * rng.integers(1, n_apps, 6)) % (2 * n_apps)
    columns = {"team": team, "app": app, "action": action, "host": host}
    frame = pl.DataFrame(
        {"id": np.arange(n)} | {name: [f"{name}{v}" for v in column] for name, column in columns.items()}
    )
    flags = scan(frame, config=Config(roles=ROLES, flags={"budget": 6})).flags.frame
    assert set(flags["id"]) == set(planted.tolist())
    assert set(flags["view"]) == {"dependency"}  # though each is rarer still in others
    for key, reason in flags.select("id", "reason").iter_rows():
        server = f"host{host[key]}"
        own = frame.filter(host=server, app=f"app{host[key] // 2}").height
        of = frame.filter(host=server).height
        expected = (
            f"app=app{app[key]} is unusual with host={server}: {own} of the {of:,} records with host={server} have "
        )
        assert reason == f"{expected}app=app{host[key] // 2}"


HOME = np.array(["DE", "FR", "GB", "PL"])


def bookings(away, seed=0, n=12_000):
    """Customers of four countries; where `away(customer, number of the booking, rng)`, they are in the next one."""
    rng = np.random.default_rng(seed)
    customer = rng.integers(0, 200, n)
    country = HOME[(customer + away(customer, np.arange(n), rng)) % 4]
    kind = [f"k{i}" for i in rng.integers(0, 4, n)]
    amount = rng.lognormal(3, 0.5, n).round(2)
    named = [f"c{i}" for i in customer]
    return pl.DataFrame({"id": np.arange(n), "customer": named, "country": country, "kind": kind, "amount": amount})


@pytest.mark.parametrize(
    "away",
    [
        lambda customer, _, rng: rng.random(len(customer)) < 0.004,
        lambda customer, _, rng: (customer % 10 == 0) & (rng.random(len(customer)) < 0.03),
        lambda customer, at, _: (customer % 10 == 3) & (at >= 11_700),
    ],
    ids=["trips", "habits of some", "moves"],
)
def test_who_is_elsewhere_now_and_then_or_from_now_on_is_no_broken_rule(away):
    frame = bookings(away)
    assert told(frame) == set()
    assert scan(frame, config=Config(roles=ROLES, flags={"alpha": 0.001})).flags.frame.is_empty()


@pytest.mark.parametrize("wrong", ["city", "zip", "street"])
def test_of_several_broken_rules_the_wrong_value_is_named(wrong):
    rng = np.random.default_rng(0)
    place = rng.integers(0, 8, 6000)
    columns = {name: [f"{name}{i}" for i in place] for name in ("city", "zip", "street")}
    columns[wrong][10] = f"{wrong}{(place[10] + 1) % 8}"
    frame = pl.DataFrame({"id": np.arange(6000), **columns, "noise": [f"k{i}" for i in rng.integers(0, 4, 6000)]})
    (flag,) = scan(frame, config=Config(roles=ROLES, flags={"budget": 1})).flags.frame.iter_rows(named=True)
    assert flag["id"] == 10
    assert flag["reason"].startswith(f"{wrong}={wrong}{(place[10] + 1) % 8} is unusual with ")


def test_records_without_a_value_are_not_among_those_that_a_rule_is_counted_of():
    rng = np.random.default_rng(3)
    host = rng.integers(0, 24, 6000)
    app = [f"app{i // 2}" if rng.random() < 0.6 else None for i in host]
    app[7] = f"app{(host[7] // 2 + 1) % 12}"
    frame = pl.DataFrame({"id": np.arange(6000), "host": [f"h{i}" for i in host], "app": app})
    (flag,) = scan(frame, config=Config(roles=ROLES, flags={"budget": 1})).flags.frame.iter_rows(named=True)
    n = frame.filter(pl.col("host") == f"h{host[7]}")["app"].drop_nulls().len()
    assert flag["id"] == 7
    expected = f"{n - 1} of the {n} records with host=h{host[7]} and a value of app have app=app{host[7] // 2}"
    assert flag["reason"] == f"app={app[7]} is unusual with host=h{host[7]}: {expected}"


def test_nothing_is_told_where_no_rule_is_broken_or_broken_ones_are_usual():
    rng = np.random.default_rng(1)
    assert told(payments(())) == set()
    assert told(payments(rng.choice(N, N // 20, replace=False))) == set()
    assert len(told(payments(rng.choice(N, 4, replace=False)))) == 4


def test_what_is_an_exception_now_and_then_breaks_no_rule():
    """One vendor has two accounts: the second in one payment of ten."""
    frame = payments((), n_vendors=20)
    its = frame.filter(vendor="V3")["id"].to_list()
    assert len(its) > 100
    assert told(payments(its[::10], to="second", n_vendors=20)) == set()
    assert told(payments(its[:3], to="second", n_vendors=20)) == set(its[:3])


def test_who_moves_for_good_breaks_no_rule():
    frame = payments(())
    its = frame.filter(vendor="V3")["id"].to_list()
    assert told(payments(its[len(its) // 2 :], to="new home")) == set()


def test_what_is_usual_for_everybody_is_no_rule_of_some():
    frame = payments(()).with_columns(
        currency=pl.when(pl.col("id") % 50 == 0).then(pl.lit("USD")).otherwise(pl.lit("EUR"))
    )
    model = fit_model(frame, config=CONFIG)
    assert "currency" not in {model.vocabulary.names[rule.told] for rule in rules(model)}


def test_only_the_entity_tells_what_it_always_has_and_nothing_tells_who_acts():
    names = ["vendor", "account", "town"]
    frame = payments().with_columns(town=pl.format("T{}", pl.col("vendor").str.slice(2)))
    for entity, ends in ([], None), (["vendor"], {("vendor", "account"), ("vendor", "town")}):
        model = fit_model(frame, config=Config(roles=ROLES | {"entity": entity}))
        found = {(model.vocabulary.names[rule.given], model.vocabulary.names[rule.told]) for rule in rules(model)}
        assert found == (
            ends
            or {(given, told) for given in names for told in names if given != told}
            - {("town", "vendor"), ("town", "account")}
        )


def test_a_missing_value_breaks_no_rule():
    frame = payments(()).with_columns(account=pl.when(pl.col("id") != 2000).then("account"))
    assert told(frame) == set()


def test_a_value_that_is_counted_with_all_rare_ones_breaks_a_rule():
    """Four hundred vendors are paid once, so rare accounts are many; but each of them meets nobody by chance."""
    frame = payments()
    once = frame.filter(pl.col("id") < 400).with_columns(
        id=pl.col("id") + N, vendor=pl.format("O{}", "id"), account=pl.format("P{}", "id")
    )
    config = Config(roles=ROLES, tokens={"min_count": 2}, flags={"budget": 10})
    assert 2000 in told(pl.concat([frame, once]), config)


def test_numbers_and_messages_tell_nothing():
    kind = pl.col("vendor").str.slice(1).cast(pl.Int64)
    way = pl.concat_list(map(pl.lit, ("wire", "cash", "card", "note"))).list.get(kind % 4)
    words = pl.concat_str(pl.lit("the bank paid it by "), way)
    frame = payments().with_columns(code=kind * 100 + 0.5, note=words)
    config = Config(roles=ROLES | {"number": ["code", "amount"], "text": ["note"]})
    model = fit_model(frame, config=config)
    ends = {model.vocabulary.names[end] for rule in rules(model) for end in (rule.given, rule.told)}
    assert ends == {"vendor", "account"}
    assert len({column.kind for column in model.vocabulary.columns}) == 3
