"""`anomembed monitor --print-unit`: what it prints works as it is, by whoever reads it: cron's shell, systemd, YAML."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = 'it\'s 100%$HOME "a b" #;&'  # no backslash: to DuckDB it is a slash
HOOK = '[[monitor.channels]]\nkind = "webhook"\nto = "https://${HOOK_HOST}/${HOOK_KEY}"\n'


@pytest.fixture
def shop(begun_shop, tmp_path, monkeypatch):
    """The shop in a folder with a name that every quoting has to do with, and a current folder above it."""
    folder = tmp_path / HOSTILE
    folder.mkdir()
    for name in ("shop.duckdb", "shop.toml", "store.duckdb"):
        shutil.copy(begun_shop / name, folder / name)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def unit(run):
    def unit(kind, *options):
        outcome = run("monitor", "shop.toml", "--print-unit", kind, *options)
        assert outcome.code == 0, outcome.err
        return outcome.out

    return unit


def test_the_line_for_cron_runs_from_anywhere_without_any_environment(shop, unit):
    line = unit("cron").strip()
    schedule, command = line.split("  ", 1)
    assert schedule == "*/5 * * * *"
    assert not re.search(r"(?<!\\)%", command)  # where cron would begin the standard input
    command = command.replace("\\%", "%").replace(" --quiet", "")
    environment = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    done = subprocess.run(["/bin/sh", "-c", command], cwd="/", env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("shop: ")


@pytest.mark.skipif(not shutil.which("crontab"), reason="there is no cron here")
def test_cron_takes_the_line(shop, unit):
    """Programs called crontab try a file by one option or the other; none takes both."""
    for line, is_right in ((unit("cron"), True), ("61 * * * * true\n", False)):
        Path("line").write_text(line)
        tries = [subprocess.run(["crontab", option, "line"], capture_output=True).returncode for option in ("-n", "-T")]
        assert (0 in tries) == is_right


def systemd_files(text, folder):
    parts = re.split(r"^# /etc/systemd/system/(.+)\n", text, flags=re.MULTILINE)[1:]
    files = dict(zip(parts[::2], parts[1::2], strict=True))
    for name, content in files.items():
        (folder / name).write_text(content)
    return files


def test_the_service_and_the_timer_are_a_file_each(shop, unit, tmp_path):
    files = systemd_files(unit("systemd"), tmp_path)
    assert list(files) == ["anomembed-shop.service", "anomembed-shop.timer"]
    assert "\nPersistent=true\n" in files["anomembed-shop.timer"]
    assert "EnvironmentFile" not in files["anomembed-shop.service"]
    quoted = str(shop).replace("%", "%%")
    assert f"\nWorkingDirectory={quoted}\n" in files["anomembed-shop.service"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_takes_both(shop, unit, tmp_path):
    with Path("shop.toml").open("a") as file:
        file.write(HOOK)
    files = systemd_files(unit("systemd"), tmp_path)
    assert "EnvironmentFile=" in files["anomembed-shop.service"]
    paths = [tmp_path / name for name in files]
    done = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    broken = paths[0].read_text().replace("ExecStart=:", "ExecStart=:/no/such/command ")
    paths[0].write_text(broken)
    assert subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True).returncode  # it does look


def test_the_job_for_kubernetes_is_yaml_with_all_paths(shop, unit):
    yaml = pytest.importorskip("yaml")
    with Path("shop.toml").open("a") as file:
        file.write(HOOK)
    job = yaml.safe_load(unit("kubernetes", "--store", "other.duckdb"))
    assert (job["apiVersion"], job["kind"], job["metadata"]["name"]) == ("batch/v1", "CronJob", "anomembed-shop")
    spec = job["spec"]
    assert (spec["schedule"], spec["concurrencyPolicy"]) == ("*/5 * * * *", "Forbid")
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["restartPolicy"] == "Never"
    store = ["--store", str(shop / "other.duckdb")]
    assert container["command"] == [
        "anomembed", "monitor", str(shop / "shop.toml"), *store, "--quiet", "--wait", "60s",
    ]  # fmt: skip
    assert container["workingDir"] == str(shop)
    assert container["envFrom"] == [{"secretRef": {"name": "anomembed-shop"}}]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == [str(shop)]
    assert [volume["hostPath"]["path"] for volume in pod["volumes"]] == [str(shop)]


def test_folders_elsewhere_are_mounted_too_and_those_within_another_are_not(shop, unit, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (shop / "below").mkdir()
    config = Path("shop.toml").read_text().replace('"shop.duckdb"', f'"{tmp_path}/elsewhere/shop.duckdb"')
    Path("shop.toml").write_text(config.replace('"store.duckdb"', '"below/store.duckdb"'))
    paths = re.findall(r'mountPath: "(.*)"}', unit("kubernetes"))
    assert len(paths) == 2
    assert f"{tmp_path}/elsewhere" in paths


def test_folders_of_metrics_channels_vectors_and_globs_are_mounted_too(shop, unit, tmp_path):
    for name in ("metrics", "told", "vectors", "parts"):
        (tmp_path / name).mkdir()
    config = Path("shop.toml").read_text().replace('"shop.duckdb"', f'"{tmp_path}/parts/*/day-*.parquet"')
    metrics, vectors = (
        f'metrics = "{tmp_path}/metrics/shop.prom"\n',
        f'[embedding]\nvectors = "{tmp_path}/vectors/v.vec"\n',
    )
    channels = "".join(
        f'[[monitor.channels]]\nname = "{n}"\nkind = "file"\nto = "{to}"\n'
        for n, to in enumerate((f"{tmp_path}/told/alerts.ndjson", "${NOWHERE}/alerts.ndjson"))
    )
    Path("shop.toml").write_text(config + metrics + channels + vectors)
    paths = set(re.findall(r'mountPath: "(.*)"}', unit("kubernetes")))
    assert len(paths) == 5
    assert {f"{tmp_path}/{name}" for name in ("metrics", "told", "vectors", "parts")} < paths


def test_what_channels_take_from_the_environment_is_named_but_never_filled_in(shop, unit, monkeypatch):
    with Path("shop.toml").open("a") as file:
        file.write(HOOK)
    monkeypatch.setenv("HOOK_KEY", "s3cret")
    for kind in ("cron", "systemd", "kubernetes"):
        text = unit(kind)
        assert "HOOK_HOST" in text
        assert "HOOK_KEY" in text
        assert "s3cret" not in text


@pytest.mark.parametrize(("name", "unit_name"), [("Card payments!", "card-payments"), ("支付", "3a"), ("x" * 99, "x")])
def test_any_name_of_a_monitor_gives_one_of_a_unit(shop, unit, name, unit_name):
    Path("shop.toml").write_text(Path("shop.toml").read_text() + f'name = "{name}"\n')
    (found,) = re.findall(r"^  name: (.+)$", unit("kubernetes"), flags=re.MULTILINE)
    assert re.fullmatch(r"anomembed-[a-z0-9]([a-z0-9-]*[a-z0-9])?", found)
    assert len(found) <= 52
    assert unit_name == "3a" or found.startswith(f"anomembed-{unit_name}")


def test_what_no_unit_can_name_and_what_is_no_kind_are_refused(shop, run):
    Path("line\nend").mkdir()
    shutil.copy("shop.toml", "line\nend/shop.toml")
    outcome = run("monitor", "line\nend/shop.toml", "--print-unit", "cron")
    assert (outcome.code, outcome.out) == (2, "")
    assert "a unit cannot name" in outcome.err
    assert run("monitor", "shop.toml", "--print-unit", "launchd").code == 2
    assert run("monitor", "nowhere.toml", "--print-unit", "cron").code == 2


def test_the_command_is_that_of_this_interpreter(shop, unit):
    words = shlex.split(unit("cron").split("&&", 1)[1])
    program = Path(sys.executable).with_name("anomembed")
    assert words[0] == str(program if program.exists() else sys.executable)
