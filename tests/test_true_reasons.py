"""Every number in a reason is what a reader would count in the source, to the digit; or it says that it is of a sample.

`CLAIMS` has a row per sentence: its pattern, and the SQL that gives its numbers. The scans are of the demo's tables, of
new records against a reference some of which is held out, and of a table that is larger than the sample.
"""

import re
from collections import Counter
from functools import cache

import duckdb
import numpy as np
import polars as pl
import pytest
from modes import calls, tills
from scipy.stats import poisson

from anomembed import Config, fit_model, scan, score_table
from anomembed.demo import make_demo
from anomembed.views.census import Company

WORD = r"[A-Za-z_][A-Za-z_0-9 ]*"
V = r"(?P<c{0}>" + WORD + r")=(?P<v{0}>[^=]+?)(?: \((?P<b{0}>[^()]*)\))?"
USUAL = r"; (?:of (?:its|the) (?P<of_own>[\d,]+) records (?:with .*? )?)?usually:? (?P<usual>.*)"
SAMPLE = r"a sample of [\d,]+"
OTHERS = r"(?P<n>[\d,]+) (?P<other>other )?records?"
SQL_OF = {
    "hour": "strftime({}, '%H') || 'h'",
    "weekday": "dayname({})",
    "part of month": "CASE WHEN day({0}) = 1 THEN 'first day' WHEN day({0}) = day(last_day({0})) THEN 'last day' "
    "WHEN day({0}) <= 10 THEN '2nd to 10th' WHEN day({0}) <= 20 THEN '11th to 20th' ELSE '21st on' END",
}


def number(text):
    return int(text.replace(",", ""))


def sql(column):
    """The SQL of a column, or of a part of the time in it."""
    source, part = next(((column.removesuffix(f" {p}"), p) for p in SQL_OF if column.endswith(f" {p}")), (column, None))
    return SQL_OF[part].format(f'"{source}"') if part else f'"{column}"'


def is_value(column, value, within=None):
    """SQL of whether a record has a value, or one within a range as the reason writes it."""
    if value == "(missing)":
        return f"{sql(column)} IS NULL"
    if within is None:
        text = f"CAST({sql(column)} AS VARCHAR)"  # of 5.0 a reason says 5
        return f"coalesce({text} = '{value}' OR TRY_CAST({text} AS DOUBLE) = TRY_CAST('{value}' AS DOUBLE), false)"
    ends = re.fullmatch(r"(more than )?([^ ]+) to (less than )?([^ ]+)", within)
    if not ends:
        return f"coalesce({sql(column)} = {within}, false)"
    more, low, less, high = ends.groups()
    above, below = f"{sql(column)} {'>' if more else '>='} {low}", f"{sql(column)} {'<' if less else '<='} {high}"
    return f"coalesce({above} AND {below}, false)"


class Source:
    """The reference of a scan, and whether the records judged are in it."""

    def __init__(self, frame, key, entity, time, *, is_own):
        self.key, self.entity, self.time, self.is_own = key, f'"{entity}"', f'"{time}"', is_own
        self.connection = duckdb.connect()
        self.connection.register("records", frame)

    def ask(self, what, where="true", source="records"):
        return self.connection.execute(f"SELECT {what} FROM {source} WHERE {where}").fetchall()[0]

    def others(self, entity, value, key):
        """SQL of the records of an entity, without the one judged when it is one of them."""
        return f"\"{entity}\" = '{value}'" + (f' AND "{self.key}" <> {key}' if self.is_own else "")


def check_rare(found, source, key):
    column, value = found["c1"], found["v1"]
    assert (number(found["times"]), number(found["of"])) == source.ask(f"count_if({is_value(column, value)}), count(*)")


def check_conflict(found, source, key):
    one, other = (is_value(found[f"c{i}"], found[f"v{i}"], found[f"b{i}"]) for i in "12")
    seen, first, second, n = source.ask(
        f"count_if(({one}) AND ({other})), count_if({one}), count_if({other}), count(*)"
    )
    assert (found["seen"], found["chance"]) == (f"{seen:,}", f"{first * second / n:,.0f}")
    assert seen <= max(5, n / 100)  # what many have is not why one is flagged
    if found.get("usual"):
        assert number(found["of_own"]) == second
        check_usual(found, source, other)


def check_usual(found, source, where):
    """The most frequent values besides the one that is there, with their counts, among some records."""
    column = found["c1"]
    said = {name: number(times) for name, times in re.findall(r"(?:^|, )(.+?) \(([\d,]+)\)", found["usual"])}
    if found.get("b1"):  # of numbers, ranges are counted
        is_each = [is_value(column, name, name.replace(",", "")) for name in said]
        assert tuple(said.values()) == source.ask(", ".join(f"count_if({each})" for each in is_each), where)
        return
    rows = source.connection.execute(
        f"SELECT coalesce(CAST({sql(column)} AS VARCHAR), '(missing)') AS v, count(*) AS n FROM records "
        f"WHERE {where} GROUP BY 1"
    ).fetchall()
    counts = {v: n for v, n in rows if v != found["v1"]}
    assert said == {name: counts[name] for name in said}
    most = sorted(counts.values(), reverse=True)[:3]
    assert sorted(said.values(), reverse=True) == [times for times in most if times >= max(most) / 100]


def check_range(found, source, key):
    column, low, high = found["c1"], found["low"], found["high"]
    where = is_value(found["c2"], found["v2"]) if found.get("c2") else "true"
    n, inside = source.ask(f'count("{column}"), avg(if("{column}" BETWEEN {low} AND {high}, 1, 0))', where)
    assert inside == 1 if found["most"] == "all" else inside >= 0.95
    assert not float(low) <= float(found["v1"]) <= float(high)
    if found.get("n"):
        assert number(found["n"]) == n
        assert bool(found["where"]) != source.is_own


def check_own_mean(found, source, key):
    where = source.others(found["c2"], found["v2"], key)
    mean, spread, n = source.ask(f'avg("{found["c1"]}"), stddev_samp("{found["c1"]}"), count("{found["c1"]}")', where)
    assert bool(found["other"]) == source.is_own
    assert (found["mean"], found["spread"], number(found["n"])) == (f"{mean:.4g}", f"{spread:.3g}", n)
    assert (float(found["v1"]) > mean) == (found["way"] == "high")


def check_only_record(found, source, key):
    where = source.others(found["c2"], found["v2"], key)
    assert source.ask(f'format(\'{{:.4g}}\', max("{found["c1"]}")), count("{found["c1"]}")', where) == (
        found["mean"],
        1,
    )


def check_mean_of_all(found, source, key):
    column = found["c1"]
    mean, spread, n = source.ask(f'avg("{column}"), stddev_samp("{column}"), count("{column}")')
    assert (found["mean"], found["spread"], number(found["n"])) == (f"{mean:.4g}", f"{spread:.3g}", n)
    assert (float(found["v1"]) > mean) == (found["way"] == "high")
    if found["own"]:
        own, n_own = source.ask(f'avg("{column}"), count("{column}")', source.others(found["c2"], found["v2"], key))
        assert (found["own"], number(found["n_own"])) == (f"{own:.4g}", n_own)
        value = float(found["v1"])
        assert bool(found["but"]) == (value < own if found["way"] == "high" else value > own)


def check_use(found, source, key):
    whose = f"\"{found['c2']}\" = '{found['v2']}'"
    seen, n, over = source.ask(
        f"count_if({is_value(found['c1'], found['v1'])}), count(*), epoch(max({source.time}) - min({source.time}))",
        whose,
    )
    assert (seen, number(found["n"])) == (int(source.is_own), n)
    assert found["how"] == ("the only" if source.is_own else "first")
    length, unit = found["span"].split()
    seconds = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}[unit.removesuffix("s")]
    assert length == f"{over / seconds:.3g}"
    if found.get("usual"):
        check_usual(found, source, is_value(found["c2"], found["v2"]))


def check_seldom(found, source, key):
    whose, has = f"\"{found['c2']}\" = '{found['v2']}'", is_value(found["c1"], found["v1"])
    assert (number(found["times"]), number(found["n"])) == source.ask(f"count_if({has}), count(*)", whose)
    (share,) = source.ask(f"avg(if({has}, 1, 0))")
    assert found["share"] == f"{share:.2%}"
    if found.get("usual"):
        check_usual(found, source, is_value(found["c2"], found["v2"]))


def check_broken(found, source, key):
    whose, usual = f"\"{found['c2']}\" = '{found['v2']}'", is_value(found["c3"], found["v3"])
    assert (number(found["times"]), number(found["n"])) == source.ask(f"count_if({usual}), count(*)", whose)
    assert found["c1"] == found["c3"]
    assert found["v1"] != found["v3"]


def check_pace(found, source, key):
    """How much the entity of each record did in the time before it, by a window over the records."""
    who, when = source.entity, source.time
    window = f"OVER (PARTITION BY {who} ORDER BY {when} RANGE BETWEEN INTERVAL '1 {{}}' PRECEDING AND CURRENT ROW)"
    pace = found["pace"]
    if pace.startswith("seconds since"):
        # Of records at one moment, one has the time since the moment before: the one judged, if it has any.
        is_first = f'"{source.key}" {"=" if float(found["v1"]) else "<>"} {key}'
        amount = f"epoch({when} - lag({when}) OVER (PARTITION BY {who} ORDER BY {when}, {is_first} DESC))"
    else:
        what = re.fullmatch(r"(?:records|sum of (\w+)) within 1 ([hd])", pace)
        amount = f"{f'sum({what[1]})' if what[1] else 'count(*)'} {window.format({'h': 'hour', 'd': 'day'}[what[2]])}"
    paces = f'(SELECT "{source.key}", {who}, {amount} AS amount FROM records)'
    own = source.others(found["c2"], found["v2"], key)
    mean, n, n_all = source.ask("avg(amount), count(amount), count(*)", own if found["its"] else "true", paces)
    assert float(found["mean"]) == pytest.approx(mean, rel=6e-4)  # kept as FLOAT
    assert number(found["of"] or found["n"]) == n
    assert n_all == number(found["n"]) or not found["its"]


def check_dormant(found, source, key):
    """How long ago the entity's record before was, and how far apart its others are at most, which are one more."""
    gaps = (
        f'(SELECT "{source.key}", {source.entity}, epoch({source.time} - lag({source.time}) '
        f"OVER (PARTITION BY {source.entity} ORDER BY {source.time})) AS gap FROM records)"
    )
    longest, n = source.ask("max(gap), count(gap)", source.others(found["c1"], found["v1"], key), gaps)
    assert number(found["n"]) == n + 1
    assert said_seconds(found["longest"]) == pytest.approx(longest, rel=6e-3)
    if source.is_own:
        (gap,) = source.ask("gap", f'"{source.key}" = {key}', gaps)
        assert said_seconds(found["wait"]) == pytest.approx(gap, rel=6e-3)


def said_seconds(text):
    length, unit = text.split()
    return float(length) * {"day": 86400, "hour": 3600, "minute": 60, "second": 1}[unit.removesuffix("s")]


def check_repeat(found, source, key):
    """A repeat: entity and amount of an earlier record, and most other columns too."""
    of = source.ask("count(*)")[0]
    assert number(found["of"]) == of
    alike = f"{is_value(found['c1'], found['v1'])} AND {is_value(found['c2'], found['v2'])}"
    now = f'(SELECT {source.time} FROM records WHERE "{source.key}" = {key})'
    before = source.connection.sql(
        f"SELECT *, epoch({now} - {source.time}) AS ago FROM records "
        f'WHERE {alike} AND "{source.key}" <> {key} AND {source.time} <= {now} ORDER BY {source.time} DESC LIMIT 1'
    ).pl()
    assert said_seconds(found["ago"]) == pytest.approx(before["ago"][0], rel=6e-3)
    own = source.connection.sql(f'FROM records WHERE "{source.key}" = {key}').pl()
    assert all(own[same][0] == before[same][0] for same in (found["same"] or "").split(", ") if same)


def check_rate(found, source, key):
    """How many of an entity's records have a value, and the share of those of all others."""
    has = is_value(found["c1"], found["v1"])
    times, n = source.ask(f"count_if({has}), count(*)", f"\"{found['c2']}\" = '{found['v2']}'")
    assert (number(found["times"]), number(found["n"]), found["rate"]) == (times, n, f"{100 * times / n:.3g}")
    (share,) = source.ask(f"100 * avg(if({has}, 1, 0))", f"\"{found['c2']}\" <> '{found['v2']}'")
    assert found["share"] == f"{share:.3g}"


def check_unseen(found, source, key):
    assert source.ask(f"count_if({is_value(found['c1'], found['v1'])})") == (0,)


def check_mistaken(found, source, key):
    column, n = found["c1"], source.ask("count(*)")[0]
    assert (number(found["times"]), number(found["of"])) == (
        *source.ask(f"count_if({is_value(column, found['name'])})"),
        n,
    )
    assert found["v1"] != found["name"]


def check_nobody_new(found, source, key):
    assert source.ask("count(*)", f"\"{found['c2']}\" = '{found['v2']}'") == (number(found["n"]),)


def check_sampled(found, source, key):
    (total,) = source.ask("count(*)")
    assert 0 < number(found["sampled"]) < total


NOTHING = "no figures"
EXPECTED = r"(?:; expected: .*)?"
CLAIMS = {
    rf"{V.format(1)} is (?:rare|uncommon) \((?P<times>[\d,]+) of (?P<of>[\d,]+) records\){EXPECTED}": check_rare,
    rf"{V.format(1)} is unusual with {V.format(2)} \((?P<seen>[\d,]+) records? where chance would have "
    rf"(?P<chance>[\d,]+)\)(?:; expected: .*|{USUAL})?": check_conflict,
    rf"{V.format(1)} is unusually (?:high|low)(?: (?:with|for) {V.format(2)})? \((?P<most>19 in 20|all)"
    r"(?: of its (?P<n>[\d,]+) records(?P<where> in the reference)?)? lie between (?P<low>\S+) and (?P<high>[^)]+)\)":
        check_range,
    rf"{V.format(1)} is unusually (?P<way>high|low) for {V.format(2)} \((?P<mean>\S+) on average, standard deviation "
    rf"(?P<spread>[^,]+), over its {OTHERS}(?: in the reference)?\)": check_own_mean,
    rf"{V.format(1)} is unusually (?:high|low) for {V.format(2)} \((?P<mean>\S+) in its only other record\)":
        check_only_record,
    rf"{V.format(1)} is unusually (?P<way>high|low) \((?P<mean>\S+) on average, standard deviation (?P<spread>[^,]+), "
    r"over (?:all )?(?P<n>[\d,]+)(?: of [\d,]+)? records(?:; (?P<but>but )?(?P<own>\S+) over the "
    rf"(?P<n_own>[\d,]+) (?:other )?records? of {V.format(2)}(?: in the reference)?)?\)":
        check_mean_of_all,
    rf"(?P<how>first|the only) use of {V.format(1)} by {V.format(2)} \((?P<n>[\d,]+) records? over (?P<span>[^)]+)\)"
    rf"(?:{USUAL})?": check_use,
    rf"{V.format(1)} is (?:seldom|unusual) with {V.format(2)} \((?P<times>[\d,]+) of its (?P<n>[\d,]+) records?; "
    rf"(?P<share>[\d.]+%) of all records have it\)(?:{USUAL})?": check_seldom,
    rf"{V.format(1)} is unusual with {V.format(2)}: (?P<times>[\d,]+) of the (?P<n>[\d,]+) records with .* have "
    rf"{V.format(3)}": check_broken,
    r".* of the (?P<sampled>[\d,]+) sampled records with .*": check_sampled,
    rf"(?P<pace>{WORD})=(?P<v1>\S+) is unusually (?:high|low) for {V.format(2)} \((?P<mean>\S+) on average over "
    rf"(?:(?P<of>[\d,]+) of )?(?P<its>its )?{OTHERS}(?: in the reference)?\)": check_pace,
    rf"{V.format(1)} after (?P<wait>\S+ \w+) without a record \(otherwise at most (?P<longest>\S+ \w+), with {OTHERS}"
    r"(?: in the reference)?\)": check_dormant,
    rf"{V.format(1)} of {V.format(2)} repeats (?:a record|record \S+) of (?P<ago>\S+ \w+) before"
    r"(?:, with the same (?P<same>[^(]+?))? "
    r"\([\d,]+ of (?P<of>[\d,]+) records repeat one as unlikely by chance, which would make about \S+ such\)":
        check_repeat,
    rf"{V.format(2)} has {V.format(1)} in (?P<times>[\d,]+) of its (?P<n>[\d,]+) records \((?P<rate>\S+)%\); "
    r"others in (?P<share>\S+)%": check_rate,
    rf"{V.format(1)} was never seen in the reference{EXPECTED}": check_unseen,
    rf"nothing in it is new for {V.format(2)}, but all together is unusual \((?P<n>[\d,]+) records? over [^)]+\)":
        check_nobody_new,
    rf"{V.format(1)} is unusual (?:after [^()]*|as the first) of {V.format(2)}{EXPECTED}": NOTHING,
    r"no single value stands out, but all together do: .*": NOTHING,
    rf"{V.format(1)} may be mistaken for (?P<name>.*), which (?P<times>[\d,]+) of (?P<of>[\d,]+) records have":
        check_mistaken,
    rf"{V.format(1)} is not written as others: .*": NOTHING,  # tests/test_characters.py computes it anew
    r".*a sample of (?P<sampled>[\d,]+) .*": check_sampled,
}  # fmt: skip


def check(reason, source, key):
    """Check the figures of a reason, and return which row of `CLAIMS` it is."""
    for row, (pattern, checked) in enumerate(CLAIMS.items()):
        found = re.fullmatch(pattern, reason)
        if found:
            if checked != NOTHING:
                checked(found.groupdict(), source, key)
            return row
    raise AssertionError(f"no row of CLAIMS is for: {reason}")


@cache
def demo():
    tables = make_demo(0)
    return {
        "payments": tables.payments.filter(pl.col("customer").str.ends_with("1")),
        "events": tables.events.filter(pl.col("session_id").hash(0) % 6 == 0),
    }


TABLES = {"payments": ("payment_id", "customer", "paid_at"), "events": ("event_id", "user", "at")}


def settings(name, with_entity, **more):
    key, entity, time = TABLES[name]
    roles = {"key": [key], "entity": [entity] if with_entity else [], "timestamp": [time]}
    return Config(roles=roles, flags={"budget": 300}, **more)


@cache
def flags_of(name, with_entity):
    return scan(demo()[name], config=settings(name, with_entity)).flags


def seen_kinds(flags, source):
    key = flags.frame.columns[0]
    return Counter(check(row["reason"], source, f"'{row[key]}'") for row in flags.frame.iter_rows(named=True))


@pytest.mark.parametrize("with_entity", [False, True], ids=["plain", "entity"])
@pytest.mark.parametrize("name", list(TABLES))
def test_the_figures_of_a_scan_are_those_of_the_table(name, with_entity):
    kinds = seen_kinds(flags_of(name, with_entity), Source(demo()[name], *TABLES[name], is_own=True))
    assert len(kinds) >= 3
    assert len(CLAIMS) - 1 not in kinds  # nothing is of a sample


@pytest.mark.parametrize("name", list(TABLES))
def test_the_figures_of_new_records_are_those_of_the_reference_with_what_is_held_out(name):
    frame = demo()[name]
    reference, new = (frame.filter((pl.col(TABLES[name][0]) % 3 > 0) == is_fitted) for is_fitted in (True, False))
    model = fit_model(reference, config=settings(name, True))
    assert len(model.held_out) > 1000
    kinds = seen_kinds(score_table(model, new).flags, Source(reference, *TABLES[name], is_own=False))
    assert len(kinds) >= 3


@pytest.mark.parametrize("with_entity", [False, True], ids=["plain", "entity"])
def test_in_a_table_above_the_sample_size_figures_are_of_all_records_or_say_that_they_are_of_a_sample(with_entity):
    frame = demo()["payments"]
    config = settings("payments", with_entity, reference={"max_records": 5000})
    kinds = seen_kinds(scan(frame, config=config).flags, Source(frame, *TABLES["payments"], is_own=True))
    assert kinds[len(CLAIMS) - 1]


def test_a_customer_with_four_payments_beside_many_with_twenty_has_the_mean_of_its_own():
    """Those of the others must not be mixed into what is said of this one."""
    amounts = [20.0 + 2 * i % 40 for i in range(20)]
    rows = [(f"c{c}", amount) for c in range(200) for amount in amounts]
    rows += [("odd", amount) for amount in (73.18, 76.09, 93.13, 738.0, 104.68)]
    frame = pl.DataFrame(rows, schema=["customer", "amount"], orient="row").with_row_index("id")
    flags = scan(frame, config={"roles": {"entity": ["customer"], "key": ["id"]}, "flags": {"budget": 1}}).flags.frame
    figures = "86.77 on average, standard deviation 14.8, over its 4 other records"
    assert flags["reason"][0] == f"amount=738 is unusually high for customer=odd ({figures})"


@pytest.mark.parametrize("clean", [False, True])
def test_who_has_one_record_is_no_stranger_in_a_scan_of_the_whole_table_though_the_record_be_held_out(clean):
    """Of 3,200 records about 1,000 are read, and 150 of those held out; 200 people have one record each.

    Their scores differ by their shop, and by whether they were learnt from; those held out are like those not read.
    """
    n = 3000
    who = [f"w{i % 40}" for i in range(n)] + [f"single{i}" for i in range(200)]
    frame = pl.DataFrame({"who": who, "shop": [f"s{i * i % 5}" for i in range(n + 200)]}).with_row_index("id")
    config = {
        "roles": {"entity": ["who"], "key": ["id"]},
        "reference": {"max_records": 1000, "clean": clean},
        "flags": {"budget": n + 200},
    }
    flags = scan(frame, config=config).flags.frame
    assert not flags["reason"].str.contains("never seen").any()
    single = flags.join(frame, on="id").filter(pl.col("who").str.starts_with("single"))
    assert set(single.group_by("shop").agg(pl.col("raw_score").round(6).n_unique())["raw_score"]) == {2}


def test_what_chance_makes_as_well_is_no_reason():
    """A pair that is there once where chance would have two is not why a record is flagged."""
    frame = demo()["payments"].head(3000)
    reasons = scan(frame, config=settings("payments", False)).flags.frame["reason"]
    pairs = (
        reasons.str.extract_groups(r"\((\d+) records? where chance would have ([\d,]+)\)").struct.unnest().drop_nulls()
    )
    assert pairs.height > 20
    assert all(poisson.cdf(int(seen), number(chance)) < 0.015 for seen, chance in pairs.iter_rows())


def test_a_pair_that_many_records_have_is_no_reason():
    """However much less often than by chance they meet; in a small table, five may be few."""
    chance = np.full(2, 858.0), np.full(2, 60.0)
    assert (Company(np.array([336.0, 63.0]), chance[0], chance[0], 6321).less > 0).tolist() == [False, True]
    assert (Company(np.array([5.0, 6.0]), chance[1], chance[1], 200).less > 0).tolist() == [True, False]
    assert not Company(np.array([5.0, 5.0]), chance[1], np.full(2, 9.0), 200).less.any(), "usually as few have both"


@pytest.mark.parametrize("with_entity", [False, True], ids=["plain", "entity"])
def test_no_other_customer_is_expected_in_place_of_one(with_entity):
    flags = flags_of("payments", with_entity)
    assert flags.frame["reason"].str.contains("usually").sum() > 5
    assert not flags.frame["reason"].str.contains(r"\b(?:expected|usually).*\bC\d{4}\b").any()
    assert flags.contributions.filter(pl.col("column_name") == "customer")["expected"].list.len().max() == 0


def test_the_figures_of_even_intervals_are_those_of_the_last_contacts():
    frame = calls()
    config = Config(roles={"entity": ["host"], "timestamp": ["at"], "key": ["id"]}, flags={"budget": 10})
    flags = scan(frame, config=config).flags.frame
    found = 0
    for key, reason in flags.select("id", "reason").iter_rows():
        pattern = r"host=(\w+) with server=(\w+) every 15 minutes, .*the last (\d+) intervals .* by (\S+)% or less, .*"
        said = re.fullmatch(pattern, reason)
        if not said:
            continue
        host, server, n, percent = said.groups()
        (now,) = frame.filter(id=key)["at"]
        contacts = frame.filter(pl.col("at") <= now, host=host, server=server).sort("at")["at"]
        gaps = contacts.diff().dt.total_milliseconds()[1:].tail(int(n))
        assert len(gaps) == int(n)
        assert 895 < gaps[1:].mean() / 1000 < 905
        both = pl.DataFrame({"a": gaps[1:], "b": gaps[:-1]})
        apart = both.select((pl.col("a") - pl.col("b")).abs() / (pl.col("a") + pl.col("b"))).to_series()
        assert apart.clip(1e-9).log().mean() <= np.log(float(percent) / 100)
        found += 1
    assert found >= 2


def test_the_figures_of_a_rate_are_those_of_the_entity_and_of_all_others():
    """Some of whom have no name, or too few records to be compared; some of what they do is missing."""
    frame = tills().with_columns(
        cashier=pl.when(pl.col("id") % 97 > 0).then("cashier"),
        action=pl.when(pl.col("id") % 13 > 0).then("action"),
    )
    frame = pl.concat([frame, frame.head(5).with_columns(cashier=pl.lit("late"), id=pl.col("id") + 6000)])
    config = Config(roles={"entity": ["cashier"], "timestamp": ["at"], "key": ["id"]}, flags={"budget": 30})
    kinds = seen_kinds(scan(frame, config=config).flags, Source(frame, "id", "cashier", "at", is_own=True))
    assert kinds[next(row for row, checked in enumerate(CLAIMS.values()) if checked is check_rate)] >= 5


TIMED = (
    r"=(?P<event>[^=]+) at place .* comes unusually .*, (?P<gap>\S+) s after .* "
    r"\((?P<usual>\S+) s, the geometric mean of (?P<n>[\d,]+) other such events\)"
)


def test_the_figures_of_sequences_are_those_of_the_events():
    events = demo()["events"]
    config = Config(
        sequence={"key": "session_id", "order": ["at"], "event": ["application", "action"]},
        flags={"budget": 300},
    )
    reasons = scan(events, config=config).flags.frame["reason"].to_list()
    source = duckdb.connect()
    source.register("records", events)
    source.execute(
        "CREATE TABLE steps AS SELECT *, application || ' | ' || action AS event, "
        'epoch("at" - lag("at") OVER (PARTITION BY session_id ORDER BY "at")) AS gap FROM records'
    )
    n_gaps = n_counts = 0
    for reason in reasons:
        gap = re.search(TIMED, reason)
        if gap:
            total, n = source.execute(
                "SELECT sum(ln(1 + 1000 * gap)), count(gap) FROM steps WHERE event = ?", [gap["event"]]
            ).fetchall()[0]
            others = (total - np.log1p(1000 * float(gap["gap"]))) / (n - 1)
            assert number(gap["n"]) == n - 1
            assert float(gap["usual"]) == pytest.approx(np.expm1(others) / 1000, rel=0.006)  # three digits
            n_gaps += 1
        most = re.search(r"=(?P<event>[^=]+?) (?:is missing|occurs [^(]*)\(19 in 20 have it (?P<times>[^)]*)\)", reason)
        if most:
            low, high = {"once": (1, 1)}.get(most["times"]) or [int(n) for n in re.findall(r"\d+", most["times"] * 2)][
                :2
            ]
            share = source.execute(
                "SELECT avg(if(n BETWEEN ? AND ?, 1, 0)) FROM (SELECT session_id, count_if(event = ?) AS n FROM steps "
                "GROUP BY ALL)", [low, high, most["event"].strip()]
            ).fetchall()[0][0]  # fmt: skip
            assert share >= 0.95
            n_counts += 1
    assert n_gaps + n_counts >= 3
