import copy
import json
import pickle
import re
import tomllib
from pathlib import Path

import polars as pl
import pytest

from anomembed import fit_model, scan
from anomembed.config import ChannelConfig, Config, FlagsConfig, load_config, make_config, merge
from anomembed.config.section import descriptions
from anomembed.demo import make_demo
from anomembed.errors import ConfigError
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table
from anomembed.write.tables import write_tables

CONFIGS = Path(__file__).parents[1] / "configs"
DEFAULTS = """
seed = 0
[source]
[roles]
key = []
timestamp = []
entity = []
category = []
number = []
text = []
identifier = []
vector = []
ignore = []
[sequence]
order = []
event = []
[reference]
clean = false
max_records = 200_000
[tokens]
min_count = 1
max_values = 100_000
bins = 16
[embedding]
method = "ppmi-svd"
width = 16
negatives = 5
window = 3
vectors_pull = 10.0
[detector]
name = "auto"
[flags]
[store]
path = "anomembed.duckdb"
snapshot = false
[monitor]
window = "5min"
delay = "5min"
lookback = "1d"
expect = []
refit = "never"
half_life = "90d"
complete_after = "30min"
batch = 100_000
alert_at = 1e-6
close_after = "1d"
repeat_interval = "4h"
collect = "0s"
most_alerts = 20
channels = []
"""


def written(text, path=Path("c.toml")):
    path.write_text(text, encoding="utf-8")
    return path


def test_these_are_the_defaults():
    assert Config().model_dump(mode="json", exclude_none=True) == tomllib.loads(DEFAULTS)
    nothing = {
        "sequence": ["key", "session_gap", "window", "length", "step"],
        "source": ["database", "table", "time_zone", "fit_where", "where"],
        "monitor": ["name", "watermark", "fit_where", "end_event", "quiet_hours", "metrics"],
        "embedding": ["epochs", "learning_rate", "vectors", "vectors_use"],
        "flags": ["alpha", "budget", "threshold"],
    }
    assert all(getattr(getattr(Config(), section), name) is None for section in nothing for name in nothing[section])
    assert load_config(written(DEFAULTS)) == load_config(written("")) == Config()


def test_one_name_is_a_list_too(tmp_path):
    (tmp_path / "c.toml").write_text('[roles]\nentity = "who"\n')
    with pytest.raises(ConfigError, match=r"roles.entity = 'who': a list of names is needed, such as \['who'\]$"):
        load_config(tmp_path / "c.toml")


SECTIONS = [Config, ChannelConfig, *(each.annotation for each in Config.model_fields.values())]
SECTIONS = [section for section in SECTIONS if hasattr(section, "model_fields")]  # not the settings in no section


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_setting_is_described_in_one_sentence(section):
    """The reference of settings and the JSON Schema for editors are made of these."""
    meanings, schema = descriptions(section), section.model_json_schema()["properties"]
    for name in section.model_fields:
        text = " ".join(meanings[name].split())
        assert schema[name]["description"] == meanings[name]
        assert re.fullmatch(r"[A-Z`].{10,}[^.]\.", text), f"{section.__name__}.{name}: {text!r}"
        assert ". " not in text, f"{section.__name__}.{name}: more than a sentence"


def test_every_role_that_a_user_may_give_is_a_setting():
    assert set(Config().roles.model_dump()) == set(Role) - {Role.EVENT, Role.ORDER}  # these are of a sequence


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Config().flags.budget = 3


@pytest.mark.parametrize(
    ("section", "name", "inside", "outside"),
    [
        (None, "seed", [0, 2**32 - 1], [-1, 2**32, 0.5]),
        ("reference", "max_records", [100], [99, "many"]),
        ("tokens", "min_count", [1], [0]),
        ("tokens", "max_values", [1], [0]),
        ("tokens", "bins", [2, 256], [1, 257]),
        ("embedding", "width", [1, 1024, "auto"], [0, 1025, "wide"]),
        ("embedding", "method", ["ppmi-svd", "skipgram"], ["word2vec"]),
        ("embedding", "epochs", [1, 1000], [0, 1001]),
        ("embedding", "learning_rate", [1e-9, 10.0], [0, -1, float("inf"), float("nan")]),
        ("embedding", "negatives", [1, 100], [0, 101]),
        ("embedding", "window", [1, 100], [0, 101]),
        ("flags", "alpha", [1e-9, 0.99], [0, 1, -0.1, float("nan")]),
        ("flags", "budget", [1], [0, 1.5]),
        ("flags", "threshold", [1e-300, 0.99], [0, 1, float("inf")]),
        ("sequence", "length", [], [0, "many"]),
        ("reference", "clean", [True], ["perhaps", 2]),
        ("roles", "key", [["id"], []], ["id", [1], 7]),
    ],
)
def test_bounds(section, name, inside, outside):
    def nested(value):
        return {section: {name: value}} if section else {name: value}

    for value in inside:
        config = make_config(nested(value))
        assert getattr(getattr(config, section) if section else config, name) in (
            value,
            tuple(value) if isinstance(value, list) else value,
        )
    for value in outside:
        with pytest.raises(
            ConfigError, match=rf"^here: {section + '.' if section else ''}{name}|^here: flags"
        ) as error:
            make_config(nested(value), "here")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"sead": 1}, "unknown setting sead; did you mean 'seed'?"),
        ({"flag": {}}, "unknown setting flag; did you mean 'flags'?"),
        ({"flags": {"buget": 1}}, "unknown setting flags.buget; did you mean 'budget'?"),
        ({"tokens": {"BINS": 4}}, "unknown setting tokens.BINS; did you mean 'bins'?"),
        ({"store": {"zzz": 1}}, "unknown setting store.zzz; there are: keep_runs, keep_scores, path, snapshot"),
    ],
)
def test_an_unknown_name_gets_the_nearest_known_one(settings, hint):
    with pytest.raises(ConfigError) as error:
        make_config(settings, "c.toml")
    assert str(error.value) == f"c.toml: {hint}"


@pytest.mark.parametrize("rules", [("alpha", "budget"), ("budget", "threshold"), ("alpha", "budget", "threshold")])
def test_only_one_rule_decides(rules):
    values = {"alpha": 0.1, "budget": 5, "threshold": 0.1}
    with pytest.raises(ConfigError, match=f"^c: flags: choose one of {', '.join(rules)}$"):
        make_config({"flags": {rule: values[rule] for rule in rules}}, "c")


def test_overrides_win_setting_by_setting_and_a_rule_replaces_another():
    path = written('seed = 1\n[source]\ntable = "a"\nwhere = "x"\n[flags]\nbudget = 9\n')
    config = load_config(path, {"source": {"where": "y"}, "flags": {"alpha": 0.1}})
    assert (config.seed, config.source.table, config.source.where) == (1, "a", "y")
    assert (config.flags.alpha, config.flags.budget) == (0.1, None)


def test_merging_changes_neither_side():
    below, above = {"roles": {"key": ["a"]}}, {"roles": {"ignore": ["b"]}}
    assert merge(below, above) == {"roles": {"key": ["a"], "ignore": ["b"]}}
    assert (below, above) == ({"roles": {"key": ["a"]}}, {"roles": {"ignore": ["b"]}})


def test_a_relative_database_is_beside_the_configuration(tmp_path):
    (tmp_path / "sub").mkdir()
    path = written('[source]\ndatabase = "../data/*.parquet"', tmp_path / "sub" / "c.toml")
    assert load_config(path).source.database == str(tmp_path / "sub" / "../data/*.parquet")
    path = written('[source]\ndatabase = "/data/x.duckdb"', path)
    assert load_config(path).source.database == "/data/x.duckdb"
    assert load_config(path, {"store": {"path": "s"}}).store.path == "s"
    assert load_config(written('[store]\npath = "s.duckdb"', path)).store.path == str(tmp_path / "sub" / "s.duckdb")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"seed = = 1", "line 1"), (b"\xff\xfe", "cannot be read as TOML"), (b"[a]\n[a]\n", "cannot be read as TOML")],
)
def test_a_file_that_is_no_toml_is_one_sentence(content, says):
    Path("c.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=says) as error:
        load_config(Path("c.toml"))
    assert "\n" not in str(error.value)


def test_a_file_with_a_byte_order_mark_is_read():
    Path("c.toml").write_bytes(b"\xef\xbb\xbfseed = 3\n")
    assert load_config(Path("c.toml")).seed == 3


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"no such configuration file: no\.toml"):
        load_config(Path("no.toml"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


NASTY = [
    'it\'s "quoted"',
    "two\nlines",
    "tab\there",
    "naïve ☃ 🙂",
    "back\\slash",
    "del\x7f\x1b[31m",
    "a.b",
    "#c",
    "[roles]",
    " ",
]


def test_what_init_writes_is_read_back_as_the_same_roles(run, database):
    columns = ", ".join(
        f"['x', 'y', 'z'][1 + (i * {n}) % 3] AS \"{name.replace(chr(34), chr(34) * 2)}\""
        for n, name in enumerate(NASTY, 4)
    )
    path = database(f'CREATE TABLE "it\'s\n""odd""" AS SELECT i AS id, {columns}, i / 7 AS share FROM range(90) r(i)')
    outcome = run("init", path, 'it\'s\n"odd"', "-o", "sub.toml")
    assert outcome.code == 0, outcome.err
    config = load_config(Path("sub.toml"))
    assert not [line for line in Path("sub.toml").read_text().splitlines() if not line.isprintable()]
    with Table(config.source.database, config.source.table) as table:
        inferred = infer_roles(table)
        told = infer_roles(table, {Role(name): names for name, names in config.roles.model_dump().items()})
    assert [(c.name, c.role) for c in told.columns] == [(c.name, c.role) for c in inferred.columns]
    assert {column.name for column in told.of(Role.CATEGORY, Role.IGNORE)} >= set(NASTY)
    assert {column.reason for column in told.columns if column.role is not Role.IGNORE} == {"user-specified"}


@pytest.mark.parametrize("more", [(), ("--vectors", "v.txt"), ("--vectors", "v.txt", "--vectors-use", "frozen")])
def test_what_init_writes_may_lose_its_comment_signs(run, database, tmp_path, more):
    """Every setting that is shown is one, with a value that it may have, and no section is there twice."""
    path = database("CREATE TABLE t AS SELECT i AS id, 'a' || i % 3 AS a, 'b' || i % 3 AS b FROM range(90) r(i)")
    (tmp_path / "v.txt").write_text("a0 1 2\n")
    assert run("init", path, "-o", "t.toml", *more).code == 0
    lines = (tmp_path / "t.toml").read_text().splitlines()
    bare = [re.sub(r"^# (?=\[|(?!session_gap)[a-z_]+ = )", "", line) for line in lines]  # that is instead of a key
    assert sum(line != other for line, other in zip(lines, bare, strict=True)) > 10
    (tmp_path / "t.toml").write_text("\n".join(line.replace('"..."', '"a"') for line in bare))
    config = load_config(tmp_path / "t.toml")
    assert (config.embedding.method, config.embedding.negatives, config.embedding.window) == ("ppmi-svd", 5, 3)
    assert (config.embedding.vectors is not None) == bool(more)


def test_init_writes_the_event_that_it_is_told(run, database):
    path = database(
        "CREATE TABLE t AS SELECT i AS id, DATE '2026-01-01' + i::INTEGER AS at, 'a' || i % 3 AS who, 'b' || i % 3 "
        'AS "two\nlines" FROM range(90) r(i)'
    )
    told = ("--entity", "who", "--time", "at", "--event", "TWO\nlines")
    assert run("init", path, "-o", "t.toml", *told).code == 0
    assert load_config(Path("t.toml")).sequence.event == ("two\nlines",)
    assert "each two?lines is compared with the previous ones of the same who" in run("fit", "t.toml").err
    assert run("init", path, "-o", "u.toml", "--event", "who").code == 2
    assert run("init", path, "-o", "u.toml", *told[:-1], "whom").code == 2
    assert not Path("u.toml").exists()


def test_what_init_writes_can_be_fitted_from_another_folder(run, database, tmp_path, monkeypatch):
    path = database("CREATE TABLE t AS SELECT i AS id, 'a' || i % 3 AS a, 'b' || i % 3 AS b FROM range(90) r(i)")
    (tmp_path / "etc").mkdir()
    assert run("init", path.name, "-o", "etc/t.toml").code == 0
    monkeypatch.chdir("/")
    store = tmp_path / "s.duckdb"
    assert run("fit", tmp_path / "etc/t.toml", "-q", "--store", store).code == 0
    assert run("score", tmp_path / "etc/t.toml", "-q", "--store", store, "--budget", 1).code == 0


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    tables = make_demo()
    folder = tmp_path_factory.mktemp("demo") / "anomembed-demo"
    folder.mkdir()
    frames = {"payments": tables.payments, "events": tables.events}
    write_tables(folder / "demo.duckdb", {name: frame.head(5000) for name, frame in frames.items()})
    return folder


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_configuration_that_we_ship_works_on_the_demo(path, demo, run, tmp_path):
    config = load_config(path)
    assert not Path(config.source.database).is_relative_to("/home")
    assert Path(config.source.database).name == "demo.duckdb"
    copy = demo.parent / "configs" / path.name
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(path.read_bytes())
    assert run("fit", copy, "-q", "--store", "s.duckdb").code == 0
    outcome = run("score", copy, "--store", "s.duckdb", "--format", "csv")
    assert (outcome.code, outcome.err.count("caution")) == (0, 0), outcome.err


def test_both_demo_tables_have_their_configuration():
    assert {path.stem for path in CONFIGS.glob("*.toml")} >= {"demo-payments", "demo-events", "demo-sessions"}


WRONG = [
    ({"flags": {"budget": -1}}, "flags.budget = -1: it must be at least 1"),
    ({"flags": {"budgt": 1}}, "unknown setting flags.budgt; did you mean 'budget'?"),
    ({"flag": {"budget": 1}}, "unknown setting flag; did you mean 'flags'?"),
    ({"flags": {"budget": 1, "alpha": 0.1}}, "flags: choose one of alpha, budget"),
    ({"flags": 3}, "flags = 3: settings by name are needed, such as flags.alpha"),
    ({"roles": {"key": "id"}}, "roles.key = 'id': a list of names is needed, such as ['id']"),
    ({"seed": -1}, "seed = -1: it must be at least 0"),
    ({"seed": 2**40}, "seed = 1099511627776: it must be below 4,294,967,296"),
    ({"flags": {"budget": "many"}}, "flags.budget = 'many': a whole number is needed"),
    ({"flags": {"alpha": 1.5}}, "flags.alpha = 1.5: it must be below 1"),
    ({"flags": {"threshold": 0}}, "flags.threshold = 0: it must be above 0"),
    ({"reference": {"clean": "maybe"}}, "reference.clean = 'maybe': true or false is needed"),
    ({"source": {"database": 3}}, "source.database = 3: a text is needed"),
    (
        {"embedding": {"vectors_use": "fro"}},
        "embedding.vectors_use = 'fro': there is no such choice; did you mean 'frozen'?",
    ),
    ({"sequence": {"order": ["at"]}}, "an order is for whole sequences; single events are ordered by time"),
]


@pytest.mark.parametrize(("settings", "says"), WRONG)
def test_from_python_the_sentence_is_that_of_a_file(settings, says):
    for make in (lambda: Config(**settings), lambda: Config.model_validate(settings)):
        with pytest.raises(ConfigError) as error:
            make()
        assert str(error.value) == says
        assert isinstance(error.value, ValueError)
    with pytest.raises(ConfigError) as error:
        Config.model_validate_json(json.dumps(settings))
    assert "\n" not in str(error.value)
    for use in (scan, fit_model):
        with pytest.raises(ConfigError) as error:
            use(pl.DataFrame({"a": [1, 2]}), config=settings)
        assert str(error.value) == f"config: {says}"


def test_a_section_says_the_same_alone():
    with pytest.raises(ConfigError, match=r"^budget = -1: it must be at least 1"):
        FlagsConfig(budget=-1)
    with pytest.raises(ConfigError, match=r"^unknown setting budgt; did you mean 'budget'\?$"):
        FlagsConfig(budgt=1)


@pytest.mark.parametrize("wrong", [3, "c.toml", [("seed", 1)]])
def test_settings_of_the_wrong_type_are_one_sentence(wrong):
    with pytest.raises(ConfigError, match=r"^config: a Config or a dict of settings by section is needed, not "):
        fit_model(pl.DataFrame({"a": [1, 2]}), config=wrong)
    assert make_config(None) == Config()
    assert make_config(Config(seed=3)).seed == 3


def test_settings_do_not_change():
    with pytest.raises(ConfigError, match=r"^settings are frozen: make another FlagsConfig instead of"):
        Config().flags.budget = 3


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda config: pickle.loads(pickle.dumps(config))])
def test_copies_of_settings_are_equal_and_know_what_was_set(way):
    config = Config(seed=3, embedding={"width": 16})
    assert way(config) == config
    assert (way(config).embedding.given_width, way(Config()).embedding.given_width) == (16, None)


def test_init_for_a_monitor_says_that_a_key_is_needed(run):
    pl.DataFrame({"a": ["p", "q"] * 40, "b": ["x", "y"] * 40, "at": ["2026-03-01 10:00"] * 80}).write_csv("shop.csv")
    said = run("init", "shop.csv", "--monitor", "-o", "shop.toml").err
    assert "caution   a monitor needs a key, which names a record for good: name it in roles.key of shop.toml" in said
    assert "a monitor needs a key" not in run("init", "shop.csv", "-o", "other.toml").err
