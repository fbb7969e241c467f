"""What is imported when, and from where: the command line starts fast, and the layout is the flow."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import duckdb
import pytest

import anomembed

TOP = Path(__file__).parents[1]
SOURCES = sorted((TOP / "anomembed").rglob("*.py"))
HEAVY = {
    "polars",
    "duckdb",
    "pyod",
    "sklearn",
    "numba",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "skops",
    "matplotlib",
    "torch",
}  # Typer itself imports pydantic
NETWORK = {
    "socket",
    "ssl",
    "http",
    "urllib",
    "ftplib",
    "smtplib",
    "requests",
    "httpx",
    "aiohttp",
    "asyncio",
    "socketserver",
}
UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
PUBLIC = [
    "AnomembedDetector",
    "Config",
    "Model",
    "NearestDetector",
    "RecordEmbedder",
    "Scores",
    "fit_model",
    "load_model",
    "scan",
    "score_table",
]


def imported(path):
    """Names of the top packages that a source file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


EVERYTHING = {name for path in SOURCES for name in imported(path)}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["scan", "--help"], ["monitr"]])
def test_what_needs_no_table_imports_nothing_heavy(arguments):
    code = (
        "import sys\n"
        "from anomembed.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n"
        "    print('\\nmodules', *sys.modules)\n"
        "    sys.exit(end.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == (2 if arguments == ["monitr"] else 0), done.stderr
    modules = done.stdout.rpartition("\nmodules ")[2].split()
    assert "anomembed.cli.scan" in modules
    assert not HEAVY & set(modules)


def test_a_scan_imports_no_library_that_it_does_not_need(tmp_path):
    (tmp_path / "pets.csv").write_text("pet,says\n" + "cat,meow\ndog,woof\n" * 40 + "cat,woof\n")
    code = "import sys; from anomembed import scan; scan('pets.csv'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    unneeded = {"pyod", "sklearn", "pandas", "skops", "matplotlib", "torch", "scipy.stats", "scipy.optimize"}
    assert not unneeded & set(done.stdout.split())


def test_to_explain_a_record_nothing_is_imported_that_learns_or_compiles(tmp_path):
    (tmp_path / "pets.csv").write_text("pet,says\n" + "cat,meow\ndog,woof\n" * 40 + "cat,woof\n")
    with duckdb.connect(tmp_path / "pets.duckdb") as connection:
        connection.execute(f"CREATE TABLE pets AS FROM '{tmp_path / 'pets.csv'}'")
    scan = [sys.executable, "-m", "anomembed", "scan", "pets.duckdb"]
    subprocess.run(scan, capture_output=True, check=True, cwd=tmp_path)
    code = (
        "import sys\nfrom anomembed.cli import main\n"
        "try:\n    main()\nfinally:\n    print('\\nmodules', *sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, "explain", "81"], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.startswith("81 of pets"), done.stderr
    modules = set(done.stdout.rpartition("\nmodules ")[2].split())
    assert "anomembed.investigate.explaining" in modules
    unneeded = {"numba", "pyod", "sklearn", "pandas", "skops", "matplotlib", "torch", "scipy.stats", "scipy.optimize"}
    assert not modules & {*unneeded, "pyarrow", "anomembed.fit.model", "anomembed.represent.embeddings.kernels"}
    assert not done.stderr


def test_importing_the_package_imports_nothing_else():
    code = "import sys; before = set(sys.modules); import anomembed; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names == {"anomembed"}


def test_public_names_are_these():
    assert sorted(anomembed.__all__) == PUBLIC
    assert set(PUBLIC) <= set(dir(anomembed))
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", anomembed.__version__)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_can_be_imported(name):
    value = getattr(anomembed, name)
    assert value.__name__ == name
    assert value.__module__.startswith("anomembed.")


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fit_modell'"):
        anomembed.fit_modell  # noqa: B018


def test_the_import_contracts_hold():
    script = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([script, "--no-cache"], cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_that_is_imported_is_declared():
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = project["dependencies"] + [line for extra in extras.values() for line in extra]
    names = {re.match(r"[\w.-]+", line).group().lower() for line in declared}
    owners = packages_distributions()
    foreign = EVERYTHING - set(sys.stdlib_module_names) - {"anomembed"} - {"umap"}  # of the extra `map`
    missing = {
        name for name in foreign if not names & {owner.lower() for owner in owners.get(name, [name.replace("_", "-")])}
    }
    assert not missing


def test_every_package_that_is_declared_is_used():
    declared = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[\w.-]+", line).group().lower() for line in declared}
    owners = packages_distributions()
    used = {owner.lower() for name in EVERYTHING for owner in owners.get(name, [])}
    assert names - used <= {"pyarrow", "pyod"}  # what DuckDB and Polars meet through; detectors imported by name


@pytest.mark.parametrize(
    ("modules", "where"),
    [(UNSAFE, set()), (NETWORK, {"webhook.py", "running.py"})],
    ids=["code in data", "the network"],
)
def test_nothing_else_that_we_write_uses(modules, where):
    assert {path.name for path in SOURCES if modules & set(imported(path))} == where
