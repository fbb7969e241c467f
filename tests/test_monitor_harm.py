"""What goes wrong around a monitor at night: clocks, schemas, disks and stores; it says so, and goes on afterwards."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from databases import opened
from monitored import HOUR, REFERENCE, at, judged_keys, odd, pay, payment, read, tables
from test_full_disk import mounted

from anomembed.write.schema import migrations

N = REFERENCE


@pytest.fixture
def shop(begun_shop, tmp_path):
    for name in ("shop.duckdb", "shop.toml", "store.duckdb"):
        shutil.copy(begun_shop / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def monitor(run):
    def monitor(number, *options, config="shop.toml", code=0):
        outcome = run("monitor", config, "--now", at(number), *options)
        assert outcome.code == code, outcome.err
        return outcome

    return monitor


def test_a_clock_that_is_set_back_judges_nothing_twice_and_loses_nothing(shop, run, monkeypatch):
    def clock(number):
        ahead = (number - N) * 30 + 1_777_641_600  # payment N is at 13:20 on 1 May 2026
        monkeypatch.setattr(time, "time_ns", lambda: ahead * 10**9)
        outcome = run("monitor", "shop.toml")
        assert outcome.code == 0, outcome.err
        return outcome.out

    pay(*(payment(n) for n in range(N, N + 100)))
    clock(N + 120)
    judged = judged_keys()
    assert judged == list(range(N, N + 100))
    state = read("SELECT position FROM watermarks")
    assert "nothing new" in clock(N + 20)
    assert read("SELECT position FROM watermarks") == state
    pay(payment(N + 115))
    assert "of the future" in clock(N + 30)  # as the clock has it: judged, and the watermark stays
    assert read("SELECT position FROM watermarks") == state
    pay(payment(N + 130))
    clock(N + 200)
    assert judged_keys() == [*judged, N + 115, N + 130]


def test_two_configurations_share_a_store_and_keep_to_themselves(shop, monitor):
    config = Path("shop.toml").read_text()
    with opened("shop.duckdb") as connection:
        connection.execute("CREATE TABLE refunds AS FROM payments")
    Path("refunds.toml").write_text(config.replace('"payments"', '"refunds"'))
    monitor(N, config="refunds.toml")
    pay(odd(N), payment(N + 1))
    with opened("shop.duckdb") as connection:
        connection.execute("INSERT INTO refunds FROM payments WHERE id >= 1600")
    for said in ("2 records judged", "nothing new"):
        for name in ("shop.toml", "refunds.toml"):
            assert said in monitor(N + HOUR, config=name).out
    assert read("SELECT monitor, until FROM watermarks ORDER BY 1") == [
        (name, "2026-05-01 14:15:00") for name in ("refunds", "shop")
    ]
    assert read("SELECT monitor, source, n_flagged FROM runs ORDER BY 1") == [
        ("refunds", "refunds", 1), ("shop", "payments", 1),
    ]  # fmt: skip
    assert len(read("SELECT DISTINCT finding_id FROM findings")) == 2
    assert read("SELECT count(*) FROM models") == [(2,)]


def test_a_store_of_an_older_version_is_upgraded_and_kept_beside(shop, monitor):
    Path("store.duckdb").unlink()
    with opened("store.duckdb") as connection:
        connection.execute((Path(__file__).parent / "stores" / "version_1.sql").read_text())
    before = tables()
    monitor(N)
    assert read("FROM store_version") == [(len(migrations()),)]
    assert tables("store.duckdb.version-1") == before
    assert read("SELECT count(*) FROM watermarks") == [(1,)]
    assert [path.name for path in Path().glob("*unfinished*")] == []


def test_an_upgrade_that_fails_leaves_the_store_and_no_copy(shop, monitor):
    with opened("store.duckdb") as connection:
        connection.execute("UPDATE store_version SET version = 5")  # and yet it has the tables of the sixth
    before = tables()
    assert "store version 5 cannot be upgraded" in monitor(N, code=2).err
    assert tables() == before
    assert list(Path().glob("*.version-*")) == []


@pytest.mark.parametrize("has_copy", [False, True])
@pytest.mark.parametrize("harm", ["flipped", "cut"])
def test_a_damaged_store_is_told_with_the_copy_to_go_back_to(shop, monitor, harm, has_copy):
    content = bytearray(Path("store.duckdb").read_bytes())
    if has_copy:
        shutil.copy("store.duckdb", "store.duckdb.version-6")
    for place in range(13_000, 13_100):
        content[place] ^= 0x5A
    content = content if harm == "flipped" else content[:5_000]
    Path("store.duckdb").write_bytes(content)
    said = monitor(N, code=2).err
    copy = ", such as store.duckdb.version-6, which the last upgrade left" if has_copy else ""
    backup = f"restore it from a backup{copy}, or choose another file for the store"
    assert said == f"anomembed: store.duckdb is damaged: {backup}\n"
    assert Path("store.duckdb").read_bytes() == content


@pytest.fixture
def disk(tmp_path, shop):
    """A disk of its own for the store."""
    folder = tmp_path / "disk"
    mounted(folder, "size=8m")
    shutil.move("store.duckdb", folder / "store.duckdb")
    config = Path("shop.toml").read_text()
    Path("shop.toml").write_text(config.replace('"store.duckdb"', '"disk/store.duckdb"'))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.drill
def test_a_full_disk_loses_no_record_and_no_flag(disk, monitor):
    pay(odd(N), *(payment(n) for n in range(N + 1, N + 100)))
    with (disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
        while True:
            filler.write(b"x" * 4096)
    said = monitor(N + HOUR, code=2).err
    assert said.splitlines()[-1].startswith("anomembed: ")
    assert "Traceback" not in said
    (disk / "filler").unlink()
    monitor(N + HOUR)
    rows = "SELECT count(*), count(DISTINCT key) FROM scores"
    assert read(rows, disk / "store.duckdb") == [(100, 100)]
    assert read("SELECT n_flags FROM findings", disk / "store.duckdb") == [(1,)]


@pytest.mark.drill
def test_a_read_only_disk_is_told(disk, monitor):
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    said = monitor(N, code=2).err
    assert said.startswith("anomembed: disk/store.duckdb")
    assert said.count("\n") == 1
    assert "WRONG  store" in monitor(N, "--check", code=2).out
