"""Vectors from elsewhere: read, matched with tokens, begun with, frozen or pulled back to, and exported again."""

import struct
from itertools import product

import numpy as np
import polars as pl
import pytest
from databases import opened

from anomembed.config import EmbeddingConfig
from anomembed.errors import DataError, UserError
from anomembed.read.vectors import TokenVectors, read_vectors
from anomembed.represent.counts import count_pairs
from anomembed.represent.embeddings.anchoring import _solve
from anomembed.represent.embeddings.corpus import record_corpus
from anomembed.represent.embeddings.fitting import fit_embeddings
from anomembed.represent.embeddings.imported import match_vectors
from anomembed.represent.embeddings.spelling import spell
from anomembed.represent.keys import distinct
from anomembed.represent.learners import LEARNERS
from anomembed.represent.tokens.learning import category_tokens, number_tokens
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Vocabulary
from anomembed.write.models import load_model

LEARNING = sorted(name for name, m in LEARNERS.items() if m.takes_vectors and not m.is_network)
PETS = (
    "CREATE TABLE pets AS SELECT i AS id, ['cat', 'dog', 'hen'][i % 3 + 1] AS pet, "
    "['meow', 'woof', 'cluck'][i % 3 + 1] AS says, ['indoors', 'out doors'][i % 2 + 1] AS place FROM range(300) t(i)"
)
TEXT = "3 2\ncat 1 0.5\ndog -1 2e-3\nhen 0 -7\n"
ROWS = [("cat", [1.0, 0.5]), ("dog", [-1.0, 2e-3]), ("hen", [0.0, -7.0])]


def binary(rows, end=b"\n"):
    width = len(rows[0][1])
    body = b"".join(name.encode() + b" " + struct.pack(f"<{width}f", *vector) + end for name, vector in rows)
    return f"{len(rows)} {width}\n".encode() + body


def write_database(path, statement):
    with opened(path) as connection:
        connection.execute("CREATE TABLE other AS SELECT 1 AS token")
        connection.execute(statement)


SOURCES = {
    "word2vec text": lambda path: path.write_text(TEXT),
    "GloVe text": lambda path: path.write_text(TEXT.partition("\n")[2]),
    "binary of word2vec": lambda path: path.write_bytes(binary(ROWS)),
    "binary of gensim": lambda path: path.write_bytes(binary(ROWS, b"")),
    "Parquet": lambda path: pl.DataFrame(ROWS, schema=["token", "vector"], orient="row").write_parquet(path),
    "DuckDB": lambda path: write_database(
        path, f"CREATE TABLE words AS SELECT unnest({[n for n, _ in ROWS]}) AS token, unnest({[v for _, v in ROWS]}) "
        "::DOUBLE[2] AS embedding, NULL AS column_name"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_of_file_gives_the_same_vectors(tmp_path, kind):
    path = tmp_path / ("v.parquet" if kind == "Parquet" else "v")
    SOURCES[kind](path)
    found = read_vectors(path)
    assert found.names == ("cat", "dog", "hen")
    assert np.array_equal(found.vectors, np.array([vector for _, vector in ROWS], np.float32))


@pytest.mark.parametrize("content", ["2\t2\na\t1\t2\nb\t3\t4\n", "\ufeff2 2\na 1 2\nb 3 4\n", "a\t1\t2\n  b 3 4\n"])
def test_any_white_space_parts_the_fields(tmp_path, content):
    (tmp_path / "v").write_text(content)
    found = read_vectors(tmp_path / "v")
    assert found.names == ("a", "b")
    assert found.vectors.tolist() == [[1, 2], [3, 4]]


def test_the_column_of_a_token_is_part_of_its_name(tmp_path):
    frame = pl.DataFrame({"column": ["pet", None], "token": ["cat", "dog"], "vector": [[1.0, 2.0], [3.0, 4.0]]})
    frame.write_parquet(tmp_path / "v.parquet")
    assert read_vectors(tmp_path / "v.parquet").names == ("pet=cat", "dog")


BAD = {
    "nothing": (b"", "is empty"),
    "no vectors": (b"0 5\n", "is empty"),
    "prose": (b"To whom it may concern\nhello\n", "v holds no vectors: line 1, 'To whom it may concern'"),
    "a table": (b"id,amount\n1,2\n", "v holds no vectors: line 1"),
    "prose later": (b"cat 1 2\nhello there you\n", "v holds no vectors: line 2, 'hello there you'"),
    "too narrow": (b"cat 1 2\ndog 1\n", "line 2 has a vector of width 1, the others have width 2"),
    "too wide": (b"2 2\ncat 1 2\ndog 1 2 3\n", "line 3 has a vector of width 3, the others have width 2"),
    "header too narrow": (b"2 2\ncat 1 2 3\ndog 1 2 3\n", "declares width 2, line 2 has a vector of width 3"),
    "header too wide": (b"2 3\ncat 1 2\ndog 1 2\n", "its first line declares width 3, line 2 has a vector of width 2"),
    "no number": (b"cat 1_0 2_0\ndog 1_0 2_0\n", "v holds no vectors: line 1, 'cat 1_0 2_0'"),
    "no number later": (b"cat 1 2\ndog 1_0 2\n", "line 2 has a vector of width 1, the others have width 2"),
    "long name": (b"x" * 9_000 + b" nan\n", "x…' has a number that is not finite"),
    "long names": (b"x" * 9_000 + b" 1 2\n", "no value has a vector in v"),
    "NaN": (b"cat 1 2\ndog nan 2\n", "the vector of 'dog' has a number that is not finite"),
    "infinite": (b"cat 1 2\ndog 1 1e300\n", "the vector of 'dog' has a number that is not finite"),
    "too large": (b"cat 1 2\ndog 1 3e18\n", "the vector of 'dog' has a number beyond 1e+09"),
    "a line without end": (b"cat 1 2\n" + b"1 " * 1_100_000, "line 2 is longer than 2,000,000 bytes"),
    "too many lines": (b"1 2\ncat 1 2\ndog 1 2\n", "too many lines: its first line declares 1 vectors, there are 2"),
    "no name": (b" 1 2\n 1 3\n", "no value has a vector in v"),
    "more behind a binary": (binary(ROWS) + b"cat", "goes on after the 3 vectors that its first line declares"),
    "text cut off": (b"9 2\ncat 1 2\ndog 1 2\n", "is cut off: its first line declares 9 vectors, there are 2"),
    "binary cut off": (binary(ROWS)[:-6], "is cut off"),
    "far too many": (b"999999999999 300\n\x01\x02", "is cut off"),
    "zero": (b"cat 0 0\n", "all vectors are zero"),
    "nothing in common": (b"lion 1 2\nlynx 1 3\n", "no value has a vector in v: 0 of 8; it has names such as"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_in_one_sentence(run, database, tmp_path, case):
    (tmp_path / "v").write_bytes(BAD[case][0])
    outcome = run("scan", database(PETS), "--vectors", "v", "--quiet")
    assert outcome.code == 2
    (sentence,) = outcome.err.splitlines()
    assert sentence.startswith("anomembed: ")
    assert BAD[case][1] in sentence
    assert len(sentence) < 300
    assert {path.name for path in tmp_path.iterdir()} == {"source.duckdb", "v"}


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        ([[1.0], [1.0, 2.0]], "found widths 1, 2"),
        ([[1.0], None], "1 and missing ones"),
        ([[1.0], [None]], "'b' has a number that is not finite"),
        ([1.0, 2.0], "vector is 'DOUBLE', not a list"),
        ([["x"], ["y"]], r"vector is 'VARCHAR\[\]', not a list"),
        ([{"x": 1.0}, {"x": 2.0}], r"vector is 'STRUCT\(x DOUBLE\)', not a list"),
        ([[{"x": 1.0}], [{"x": 2.0}]], r"vector is 'STRUCT\(x DOUBLE\)\[\]', not a list"),
        ([[[1.0]], [[2.0]]], r"vector is 'DOUBLE\[\]\[\]', not a list"),
        ([[1.0] * i for i in range(1, 3)], "found widths 1, 2$"),
    ],
)
def test_a_bad_table_is_refused(tmp_path, vectors, said):
    pl.DataFrame({"token": ["a", "b"], "vector": vectors}).write_parquet(tmp_path / "v.parquet")
    with pytest.raises(UserError, match=said):
        read_vectors(tmp_path / "v.parquet")


def test_what_is_odd_about_names_is_told(tmp_path):
    (tmp_path / "v").write_bytes(b"caf\xe9 1 2\ndog 0 0\ncat 3 4\ncat 5 6\n")
    found = read_vectors(tmp_path / "v")
    assert found.names == ("caf\ufffd", "cat")
    assert found.vectors.tolist() == [[1, 2], [3, 4]]
    assert found.notes == (
        "1 with a repeated name, left out: the first of each counts",
        "1 of zeros, left out",
        "1 with a name that is not valid UTF-8",
    )
    frame = pl.DataFrame({"token": ["a", None, None], "vector": [[1.0], [2.0], [3.0]]})
    frame.write_parquet(tmp_path / "v.parquet")
    assert read_vectors(tmp_path / "v.parquet").notes == ("2 without a name, left out",)
    frame.tail(2).write_parquet(tmp_path / "v.parquet")
    with pytest.raises(DataError, match="no vector has a name"):
        read_vectors(tmp_path / "v.parquet")


def test_a_folder_and_a_broken_parquet_file_are_no_vectors(tmp_path):
    with pytest.raises(UserError, match="is a folder; name the file"):
        read_vectors(tmp_path)
    path = tmp_path / "v.parquet"
    pl.DataFrame({"token": ["a"], "vector": [[1.0]]}).write_parquet(path)
    content = path.read_bytes()
    not_parquet = "is not a Parquet file, or is cut off"
    for broken, wrong in ((content[:-9], not_parquet), (b"no Parquet at all", not_parquet), (b"", "is empty")):
        path.write_bytes(broken)
        with pytest.raises(UserError, match=rf"v\.parquet {wrong}$"):
            read_vectors(path)


def test_a_database_must_hold_one_table_of_vectors(tmp_path):
    write_database(tmp_path / "v", "CREATE TABLE t AS SELECT 'a' AS word")
    with pytest.raises(UserError, match="such tables: none"):
        read_vectors(tmp_path / "v")
    with pytest.raises(UserError, match="no such file of vectors"):
        read_vectors(tmp_path / "w")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--vectors", "v", "--embedding", "onehot"],
            "embedding onehot cannot start from imported vectors; leave them out",
        ),
        (["--vectors-use", "frozen"], "needs a file of vectors"),
        (["--vectors", "v", "--vectors-use", "thaw"], "there is no such choice; there are: fine-tune, frozen, start"),
    ],
)
def test_options_that_do_not_go_together(run, database, options, said):
    outcome = run("scan", database(PETS), *options)
    assert outcome.code == 2
    assert said in outcome.err


def make_corpus(frame):
    columns = [category_tokens(name, count_values(frame[name]), 1) for name in frame.columns]
    return corpus_of(frame, columns)


def corpus_of(frame, columns):
    vocabulary = Vocabulary(tuple(columns))
    rows, _, times = distinct(vocabulary.encode(frame))
    return record_corpus(vocabulary, rows, times, count_pairs(rows, times, vocabulary.size))


def tokens_of(corpus):
    """Token ids of all values, by `column=value`."""
    labels = [f"{column.name}={label}" for column in corpus.columns for label in column.labels]
    return {label: token for token, label in enumerate(labels)}


def given(vectors):
    return TokenVectors("v", tuple(vectors), np.array(list(vectors.values()), np.float32))


def test_names_match_exactly_then_by_spelling_then_by_words():
    values = ["Café-Bar", "Cafe bar", "GET /Users", "-1", "1", "odd"]
    corpus = make_corpus(pl.DataFrame({"shop": values * 3, "other": ["Cafe bar", "x"] * 9}))
    names = {
        "x": [8, 8],
        "shop=Cafe bar": [1, 0],
        "CAFE BAR": [0, 1],
        "cafe BAR": [3, 3],
        "users": [4, 0],
        "get": [0, 2],
        "1": [5, 5],
        "other=x": [7, 7],
    }
    found = match_vectors(given(names), corpus, "frozen", 1)
    tokens = tokens_of(corpus)
    by_name = {name: found.vectors[token].tolist() for name, token in tokens.items() if corpus.occurrences[token]}
    assert by_name == {
        "shop=Café-Bar": [1, 0],  # of its own column, before any other
        "shop=Cafe bar": [1, 0],
        "shop=GET /Users": [2, 1],  # the mean of its words
        "shop=-1": [0, 0],  # is not 1
        "shop=1": [5, 5],
        "shop=odd": [0, 0],
        "other=Cafe bar": [0, 1],  # the first of two that are spelled alike
        "other=x": [7, 7],  # before the bare name
    }
    assert np.flatnonzero(found.known).tolist() == [t for n, t in tokens.items() if any(by_name.get(n, []))]
    assert found.notes[1:] == (
        "vectors: shop 4 of 6 values (66.7% of all occurrences, 1 by spelling, 1 by words)",
        "vectors: other 2 of 2 values (100.0% of all occurrences, 1 by spelling)",
    )


def test_columns_that_are_not_judged_are_named():
    """By three names or more, however many of judged columns there are; a word with an equals sign is none."""
    columns = [f"c{i}" for i in range(14)]
    corpus = make_corpus(pl.DataFrame({name: ["x", "y"] * 20 for name in columns}))
    names = [*(f"{c}={v}" for c in columns for v in "xyzuvw"), "shop=1", "shop=2", "shop=3", "e=mc2", "e=mc3"]
    notes = match_vectors(given({name: [1.0] for name in names}), corpus, "start", 1).notes
    assert [note for note in notes if "no column of values" in note] == [
        "vectors: 3 are of 'shop', which is no column of values here; --category may make it one"
    ]


def test_bins_and_special_tokens_match_by_their_full_name_only():
    numbers = np.repeat([1.0, 2.0], 10)
    frame = pl.DataFrame({"n": numbers, "pet": ["cat", None] * 10})
    pets = category_tokens("pet", count_values(frame["pet"]), 1)
    corpus = corpus_of(frame, [number_tokens("n", numbers, 4), pets])
    names = {"1": [1, 1], "n=2": [2, 2], "missing": [3, 3], "(missing)": [4, 4], "cat": [5, 5]}
    found = match_vectors(given(names), corpus, "frozen", 1)
    known = {name for name, token in tokens_of(corpus).items() if found.known[token]}
    assert known == {"n=2", "pet=cat"}


@pytest.fixture(scope="module")
def communities():
    """Nine in ten values of a record are of one of two communities: values 0-2 or 3-5 of every column."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 3, (3000, 4)) + 3 * (rng.integers(0, 2, (3000, 1)) ^ (rng.random((3000, 4)) < 0.1))
    return make_corpus(pl.DataFrame(values.astype(str), schema=list("abcd")))


def directions(columns="abc"):
    """Vectors of the values of some columns: a direction for each community, and a little of their own."""
    rng = np.random.default_rng(1)
    return {f"{c}={i}": np.eye(4)[i // 3] + rng.normal(0, 0.1, 4) for c, i in product(columns, range(6))}


def learn(corpus, method, names, **settings):
    config = EmbeddingConfig(method=method, vectors="v", **{"epochs": 20, **settings})
    return fit_embeddings(corpus, config, 0, vectors=given(names))


def distance(corpus, learnt, names):
    """Root mean square distance of the learnt vectors from given ones."""
    tokens = tokens_of(corpus)
    gap = learnt.vectors[[tokens[name] for name in names]] - np.array(list(names.values()))
    return float(np.sqrt((gap**2).sum(axis=1).mean()))


@pytest.mark.parametrize("method", LEARNING)
def test_frozen_vectors_stand_still_and_others_are_learnt_beside_them(communities, method):
    names = directions()
    learnt = learn(communities, method, names, vectors_use="frozen")
    assert learnt.width == 4  # theirs, not the default
    assert distance(communities, learnt, names) < 1e-5
    tokens = tokens_of(communities)
    unit = learnt.vectors / np.maximum(np.linalg.norm(learnt.vectors, axis=1, keepdims=True), 1e-9)
    near = unit @ unit.T
    nearer = []
    for i in range(6):
        mine, own = tokens[f"d={i}"], i // 3
        same, other = ([near[mine, tokens[f"{c}={k}"]] for c in "abc" for k in range(6) if (k // 3 == own) == is_own]
                       for is_own in (True, False))  # fmt: skip
        nearer.append(np.mean(same) - np.mean(other))
    assert min(nearer) > 0
    assert np.mean(nearer) > 0.5
    assert not learnt.vectors[communities.occurrences == 0].any()


@pytest.mark.parametrize("method", LEARNING)
def test_the_stronger_the_pull_the_nearer_fine_tuned_vectors_stay(communities, method):
    rng = np.random.default_rng(2)
    names = {f"{c}={i}": rng.normal(0, 0.7, 4) for c, i in product("abc", range(6))}  # at odds with the records
    weak, middle, strong = (
        distance(communities, learn(communities, method, names, vectors_use="fine-tune", vectors_pull=pull), names)
        for pull in (1, 500, 1e6)
    )
    assert weak > middle > strong
    assert strong < 0.1 < weak


def test_glove_holds_vectors_by_a_strong_pull_at_a_high_learning_rate(communities):
    """A step that went farther back than to where a vector is held would swing around it, ever wider."""
    learnt = learn(communities, "glove", directions(), vectors_pull=1e9, learning_rate=0.5, epochs=5)
    assert distance(communities, learnt, directions()) < 0.1


def test_a_rare_imported_value_does_not_hold_the_pieces_of_a_frequent_one():
    """Both spellings share subwords; what one record says of the rare one is no reason for the other to stay."""
    group = np.random.default_rng(0).integers(0, 2, 4000)
    rows = [("market alpha" if i == 0 else "market beta", f"u{i}", f"w{i}") for i in group]
    rows.append(("market alphabeta", "u0", "w0"))
    corpus = make_corpus(pl.DataFrame(rows, schema=["a", "b", "c"], orient="row"))
    of_both = np.random.default_rng(3).normal(0, 0.7, (2, 8))
    names = {"a=market alpha": of_both[0], "a=market alphabeta": of_both[1]}
    often = {"a=market alpha": names["a=market alpha"]}
    alone, beside = (
        distance(corpus, learn(corpus, "fasttext", some, vectors_use="fine-tune", vectors_pull=10, epochs=10), often)
        for some in (often, names)
    )
    assert alone > 0.5
    assert beside > 0.7 * alone


@pytest.mark.parametrize("columns", [3, 9], ids=["fewer vectors than width", "more"])
def test_the_ridge_of_a_factorisation_is_solved_whatever_the_shape(columns):
    """Against the closed form: (others' others + held) row = seen + held given."""
    rng = np.random.default_rng(4)
    width, n_rows = 6, 5
    others, given_rows = rng.normal(size=(columns, width)), rng.normal(size=(n_rows, width))
    seen = rng.normal(size=(n_rows, columns)) @ others
    held = rng.uniform(0.1, 2, (n_rows, 1))
    solved = _solve(seen, others, held, given_rows)
    square = others.T @ others
    ridge = held * np.trace(square) / width
    for row in range(n_rows):
        expected = np.linalg.solve(square + ridge[row] * np.eye(width), seen[row] + ridge[row] * given_rows[row])
        assert np.allclose(solved[row], expected)
    free = _solve(seen, others, np.zeros((n_rows, 1)), given_rows)
    assert np.allclose(free, seen @ np.linalg.pinv(square))


@pytest.mark.parametrize("method", ["skipgram", "cbow", "fasttext", "glove"])
def test_learning_starts_at_imported_vectors(communities, method):
    names = directions("abcd")
    near = learn(communities, method, names, vectors_use="start", epochs=1, learning_rate=1e-7)
    assert 0 < distance(communities, near, names) < 1e-3
    far = learn(communities, method, names, vectors_use="start", epochs=20)
    assert distance(communities, far, names) > 0.1


def test_the_start_of_a_factorisation_turns_it_and_changes_no_distance(communities):
    names = directions("abcd")
    plain = fit_embeddings(communities, EmbeddingConfig(width=4), 0)
    turned = learn(communities, "ppmi-svd", names, vectors_use="start")
    assert np.allclose(plain.vectors @ plain.vectors.T, turned.vectors @ turned.vectors.T, atol=1e-5)
    assert distance(communities, turned, names) < 0.8 * distance(communities, plain, names)


@pytest.mark.parametrize("method", LEARNING)
def test_vectors_wider_than_the_vocabulary_are_kept_whole(method):
    corpus = make_corpus(pl.DataFrame({"a": ["x", "y"] * 20, "b": ["u", "v"] * 20}))
    wide = np.random.default_rng(0).normal(size=(2, 50))
    learnt = learn(corpus, method, {"a=x": wide[0], "b=v": wide[1]}, vectors_use="frozen", epochs=3)
    assert learnt.vectors.shape == (corpus.size, 50)
    assert np.isfinite(learnt.vectors).all()
    assert np.isfinite(learnt.contexts).all()


@pytest.mark.parametrize("use", ["start", "fine-tune", "frozen"])
@pytest.mark.parametrize("method", ["ppmi-svd", "graph"])
def test_vectors_of_a_column_that_goes_with_nothing_leave_the_others_alone(method, use):
    """Of a and b each value goes with one of the other; c, which has vectors, with all alike."""
    rows = [(f"x{i % 6}", f"y{i % 6}", f"z{i // 6 % 4}") for i in range(480)]
    corpus = make_corpus(pl.DataFrame(rows, schema=["a", "b", "c"], orient="row"))
    names = {f"c=z{i}": np.random.default_rng(i).normal(size=8) for i in range(4)}
    learnt = learn(corpus, method, names, vectors_use=use)
    plain = fit_embeddings(corpus, EmbeddingConfig(method=method, width=8), 0)
    tokens = tokens_of(corpus)
    others = [tokens[f"{name}{i}"] for name in ("a=x", "b=y") for i in range(6)]
    with_them, without = (np.linalg.norm(found.vectors[others], axis=1) for found in (learnt, plain))
    assert (with_them > without / 2).all()
    assert with_them.max() < 100


def test_frozen_vectors_that_are_too_long_are_named(communities):
    long = {name: 300 * vector for name, vector in directions("abcd").items()}
    with pytest.raises(UserError, match=r"scale the imported vectors, which are up to 3\d\d long, or lower"):
        learn(communities, "glove", long, vectors_use="frozen")


@pytest.mark.parametrize("use", ["start", "fine-tune"])
@pytest.mark.parametrize("method", ["skipgram", "glove"])
def test_a_loss_beyond_all_bounds_stops_it(communities, method, use):
    with pytest.raises(
        UserError,
        match=r"failed in epoch \d+ of 20: .*; scale the imported vectors, which are up to \S+ long, or lower",
    ):
        learn(communities, method, {n: 1e30 * v for n, v in directions("abcd").items()}, vectors_use=use)


def test_another_width_than_the_vectors_have(communities):
    with pytest.raises(UserError, match=r"embedding.width is 8, but the vectors of v are 4 wide; leave it out"):
        learn(communities, "cbow", directions(), width=8)
    assert learn(communities, "ppmi-svd", directions(), width=4).width == 4
    with pytest.raises(DataError, match="no value has a vector"):
        learn(communities, "ppmi-svd", {"e=1": [1.0] * 4})


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A store with a model of odd names, and the names."""
    from anomembed.config import Config
    from anomembed.fit.model import learn_model
    from anomembed.read.table import Table
    from anomembed.write.models import save_model
    from anomembed.write.store import Store

    path = tmp_path_factory.mktemp("fitted") / "store.duckdb"
    values = ["plain", "two words", "100%", "line\nend", "tab\t=x", "snow ☃", ""]
    frame = pl.DataFrame({"id": range(350), "a b": values * 50, "c": [f"v{i % 4}" for i in range(350)]})
    with Table(frame) as table, Store(path) as store:
        config = Config(roles={"key": ["id"], "category": ["a b", "c"]})
        model = learn_model(table, config)
        with store.transaction():
            save_model(model, store)
    return path, values


@pytest.mark.parametrize("name", ["v.vec", "v.txt", "v.bin", "v.parquet", "v.duckdb"])
def test_what_is_exported_is_imported_again_bit_by_bit(run, fitted, name):
    store, values = fitted
    outcome = run("export", name, "--store", store)
    assert outcome.code == 0, outcome.err
    found, kept = read_vectors(name), read_vectors(store)
    assert found.vectors.tobytes() == kept.vectors.tobytes()
    expected = {f"a b={value}" for value in values} | {f"c=v{i}" for i in range(4)}
    is_word_file = name.endswith(("vec", "txt", "bin"))
    assert set(found.names) == ({*map(spell, expected)} if is_word_file else expected)
    frame = pl.DataFrame({"a b": values * 5, "c": ["v0"] * 35})
    again = match_vectors(found, make_corpus(frame), "frozen", 1)
    assert f"{len(values) + 1} of {len(values) + 1}" in again.notes[0]
    assert "by " not in "".join(again.notes)  # all of them exactly


def test_export_replaces_nothing_unasked(run, fitted, tmp_path):
    store, _ = fitted
    cases = {
        ("x.csv",): "files that end in .txt, .vec",
        ("there.vec",): "there.vec exists; give another name, or --force",
        ("no/where.vec",): "no such folder for the vectors: no",
        ("folder.vec", "--force"): "it is a folder",
        (str(store), "--force"): "it is the store",
        ("mine.duckdb", "--force"): "mine.duckdb holds more than vectors",
        ("view.duckdb", "--force"): "view.duckdb holds more than vectors",
        ("macro.duckdb", "--force"): "macro.duckdb holds more than vectors",
        ("own.duckdb", "--force"): "own.duckdb holds more than vectors",
        ("records.parquet", "--force"): "records.parquet holds more than vectors",
        ("new.vec", "--model", "7"): "no model 7 in",
    }
    (tmp_path / "there.vec").write_text("precious")
    (tmp_path / "folder.vec").mkdir()
    databases = {
        "mine.duckdb": "CREATE TABLE payments AS SELECT 1 AS id",
        "view.duckdb": "CREATE VIEW payments AS SELECT 1 AS id",
        "macro.duckdb": "CREATE MACRO twice(x) AS 2 * x",
        "own.duckdb": "CREATE TABLE vectors (token VARCHAR, note VARCHAR)",
    }
    pl.DataFrame({"token": ["a"], "amount": [1.0]}).write_parquet(tmp_path / "records.parquet")
    for name, made in databases.items():
        write_database(tmp_path / name, made)
    for arguments, said in cases.items():
        outcome = run("export", *arguments, "--store", store)
        assert outcome.code == 2
        assert said in outcome.err
    assert run("export", "new.vec", "--store", "none.duckdb").code == 2
    assert {path.name for path in tmp_path.iterdir()} == {"there.vec", "folder.vec", "records.parquet", *databases}
    assert run("export", "there.vec", "--store", store, "--force", "--quiet") == (0, "", "")
    assert len(read_vectors("there.vec").names) == 11


def test_a_model_needs_its_vectors_for_fitting_only(run, database, tmp_path):
    """From the configuration to the scores: the names that come twice, the coverage, and no file when it scores."""
    source = database(PETS)
    rows = [("pet=cat", [1, 0, 0]), ("pet=cat", [9, 9, 9]), ("WOOF", [0, 1, 0]), ("says=meow", [0, 0, 1])]
    (tmp_path / "v.bin").write_bytes(binary(rows))
    said = ("--key", "id", "--vectors", "v.bin", "--vectors-use", "frozen")
    (tmp_path / "sub").mkdir()
    assert run("init", source, "-o", "sub/pets.toml", *said).code == 0
    outcome = run("fit", "sub/pets.toml")
    assert outcome.code == 0, outcome.err
    lines = [" ".join(line.split()[1:]) for line in outcome.err.splitlines() if line.startswith("note")]
    assert (
        "vectors of sub/../v.bin (3, 3 wide), frozen: 3 of 8 values (33.3% of all occurrences, 1 by spelling) have one"
        in lines
    )
    assert "vectors: 1 with a repeated name, left out: the first of each counts" in lines
    assert any(line.startswith("vectors: pet 1 of 3 values") for line in lines)
    assert any(line.startswith("vectors: place 0 of 2 values (0.0%") for line in lines)
    (tmp_path / "v.bin").unlink()
    assert run("score", "sub/pets.toml", "--quiet").code == 0
    model = load_model("anomembed.duckdb")
    assert set(lines) <= set(model.summary.notes)
    tokens = {label: place for place, label in enumerate(model.vocabulary.columns[0].labels)}
    assert model.embeddings.vectors[tokens["cat"]].tolist() == [1, 0, 0]


def test_a_store_gives_the_vectors_for_the_next_model_in_it(run, database):
    """Events of sequences, from a model of records with the same column, by way of the store that is written to."""
    source = database(
        "CREATE TABLE events AS SELECT i AS id, 's' || i // 6 AS session, ['open', 'read', 'close'][act + 1] AS act, "
        "['a', 'b', 'c'][act + 1] AS beside FROM (SELECT i, (hash(i) % 7 % 3)::INT AS act FROM range(600) t(i))"
    )
    first = run("scan", source, "--key", "id", "--ignore", "session", "--quiet")
    assert first.code == 0, first.err
    more = ("--sequence", "session", "--order", "id", "--event", "act", "--vectors", "anomembed.duckdb")
    outcome = run("scan", source, *more, "--vectors-use", "frozen")
    assert outcome.code == 0, outcome.err
    assert "3 of 3 values (100.0% of all occurrences) have one" in outcome.err
    assert "vectors: act" not in outcome.err  # all of them exactly
    records, sequences = (load_model("anomembed.duckdb", model_id) for model_id in (1, 2))
    place = {label: token for token, label in enumerate(sequences.vocabulary.columns[0].labels)}
    column = records.vocabulary.names.index("act")
    for label in records.vocabulary.columns[column].labels[FIRST_VALUE:]:
        start = int(records.vocabulary.offsets[column]) + records.vocabulary.columns[column].labels.index(label)
        assert np.array_equal(sequences.embeddings.vectors[place[label]], records.embeddings.vectors[start])
