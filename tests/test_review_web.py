"""`anomembed review --web`: who gets an answer, and that what is decided is what the command line would have kept."""

import json
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import chdir
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import pytest
from databases import ask, opened
from pages import HOSTILE, requests
from scanned import scan_in
from test_review import FINDING, PETS

pytest.importorskip("uvicorn", reason="the extra review is not installed: pip install 'anomembed[review]'")
pytest.importorskip("starlette", reason="the extra review is not installed: pip install 'anomembed[review]'")

STORE = "anomembed.duckdb"
JSON = {"Content-Type": "application/json"}
HOLDER = """import sys
from anomembed.write.store import Store
with Store(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


class Answer(NamedTuple):
    status: int
    headers: dict
    body: bytes

    @property
    def data(self):
        return json.loads(self.body)


class Server:
    """The real command in a process of its own, on a free port."""

    def __init__(self):
        command = [sys.executable, "-m", "anomembed", "review", "--web"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert select.select([self.process.stdout], [], [], 60)[0]
        self.url = self.process.stdout.readline().removeprefix("open ").strip()
        assert "Ctrl-C ends" in self.process.stdout.readline()
        self.port, self.token = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/#([\w-]{43})", self.url).groups()

    def ask(self, path, body=None, **headers):
        """Ask as the page does; headers replace its own, those that are None are not sent."""
        method = "GET" if body is None else "POST"
        sent = {"Host": f"127.0.0.1:{self.port}", "Authorization": f"Bearer {self.token}"}
        sent |= (JSON if body is not None else {}) | {name.replace("_", "-"): value for name, value in headers.items()}
        body = json.dumps(body) if isinstance(body, dict) else body
        connection = HTTPConnection("127.0.0.1", int(self.port), timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body.encode())))
        connection.endheaders(body.encode() if body is not None else None)
        answer = connection.getresponse()
        read = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        connection.close()
        return read

    def first(self):
        return self.ask("/findings").data["findings"][0]

    def decide(self, name, act, note=""):
        return self.ask(f"/findings/{name}", {"act": act, "note": note})

    def end(self, how=signal.SIGINT):
        """End it, by default as Ctrl-C does; return its exit code, and what it said then."""
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err

    def close(self):
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return scan_in(tmp_path_factory.mktemp("home"), PETS, "--budget", "3")


@pytest.fixture(scope="module")
def guarded(home, tmp_path_factory):
    """A server that is only asked for what it refuses, or shows."""
    folder = tmp_path_factory.mktemp("guarded") / "copied"
    shutil.copytree(home, folder)
    with chdir(folder):
        server = Server()
    yield server
    server.close()
    assert ask(folder / STORE, "FROM feedback") == []


@pytest.fixture
def folder(home, tmp_path, monkeypatch):
    copied = tmp_path / "copied"
    shutil.copytree(home, copied)
    monkeypatch.chdir(copied)
    return copied


@pytest.fixture
def serve(folder):
    """Start a server for the store of the current folder."""
    servers = []

    def serve():
        servers.append(Server())
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def of_a_monitor():
    with opened(STORE) as connection:
        connection.execute("UPDATE runs SET monitor = 'm'")
        connection.execute(FINDING)
        connection.execute("INSERT INTO finding_flags VALUES ('0123456789abcdef', 1, '100')")


def test_the_page_is_that_of_report_and_comes_with_the_token_only(guarded, run, folder):
    assert run("report", "r.html").code == 0
    assert guarded.ask("/runs/newest").body == guarded.ask("/runs/1").body == Path("r.html").read_bytes()
    assert guarded.ask("/runs/newest", Authorization=None).status == 403
    shell = guarded.ask("/", Authorization=None)
    assert shell.status == 200
    assert b"pets" not in shell.body
    assert guarded.token.encode() not in shell.body


WRONG = ("", "Bearer", "Bearer ", "Bearer {less}", "Bearer {token}x", "{token}", "Basic {token}", "Bearer \xe9")


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("path", ["/runs/newest", "/findings", "/findings/x", "/elsewhere"])
def test_a_wrong_token_gets_nothing(guarded, path, wrong):
    header = wrong.format(token=guarded.token, less=guarded.token[:-1])
    answer = guarded.ask(path, {"act": "normal"} if path == "/findings/x" else None, Authorization=header)
    assert (answer.status, list(answer.data)) == (403, ["error"])


HOSTS = (None, "evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}")
ORIGINS = ("https://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "")


@pytest.mark.parametrize("host", HOSTS)
def test_another_host_is_refused_also_the_page_without_anything_on_it(guarded, host):
    host = host and host.format(port=guarded.port)
    assert {guarded.ask(path, Host=host).status for path in ("/", "/runs/newest")} <= {400, 403}  # 400: without one


def test_localhost_is_the_same_host(guarded):
    name = f"localhost:{guarded.port}"
    assert guarded.ask("/findings", Host=name, Origin=f"http://{name}").status == 200


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_post_of_another_site_is_refused(guarded, origin):
    name = guarded.first()["name"]
    sent = guarded.ask(f"/findings/{name}", {"act": "normal"}, Origin=origin.format(port=guarded.port))
    assert sent.status == 403


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", None])
def test_a_form_is_refused(guarded, kind):
    name = guarded.first()["name"]
    assert guarded.ask(f"/findings/{name}", {"act": "normal"}, Content_Type=kind).status == 415


PATHS = (
    "/../pyproject.toml",
    "/..%2f..%2fetc%2fpasswd",
    "//etc/passwd",
    "/runs/../anomembed.duckdb",
    "/runs/..%2fanomembed.duckdb",
    "/runs/newest/",
    "/runs/1e3",
    "/runs/%00",
    "/runs/99999999999999999999",
    "/findings/",
    "/parts/web.js",
    "/anomembed.duckdb",
    "/%2e%2e/",
    "/./",
    "//",
)


@pytest.mark.parametrize("path", PATHS)
def test_no_path_is_served_but_its_own(guarded, path):
    assert guarded.ask(path).status == 404


def test_every_answer_says_what_browsers_must_not_do(guarded):
    asked = (
        ("/", None),
        ("/findings", None),
        ("/runs/newest", None),
        ("/x", None),
        ("/findings", "{}"),
        ("/runs/7", None),
    )
    answers = [guarded.ask(path, body) for path, body in asked]
    answers.append(guarded.ask("/findings", Authorization=None))
    assert [answer.status for answer in answers] == [200, 200, 200, 404, 405, 409, 403]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert not {"set-cookie", "server", "access-control-allow-origin"} & set(answer.headers)


def test_the_page_asks_nobody_else_and_makes_text_of_values(guarded):
    shell = guarded.ask("/").body.decode()
    script = re.search("<script>(.*?)</script>", shell, re.DOTALL)[1]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|eval|document\.write|https?:", script)
    assert not re.search(r"""(src|href)=|https?:|@import|url\(""", shell.replace(script, ""))


def test_it_listens_on_loopback_alone(guarded):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", int(guarded.port)), timeout=5)


BAD = (
    ("", 400),
    ("{", 400),
    ("[" * 50_000, 400),
    ("[]", 400),
    ('{"act": "drop"}', 400),
    ('{"act": ["normal"]}', 400),
    ('{"act": "normal", "note": 7}', 400),
    ('{"act": "normal", "note": null}', 400),
    ('{"act": "normal", "note": "\\ud800"}', 400),
    ('{"act": "normal", "note": "\\u0000"}', 400),
    (json.dumps({"act": "normal", "note": "x" * 10_001}), 400),
    (json.dumps({"act": "normal", "note": "x" * 200_000}), 413),
    ('{"act": "undo"}', 409),
    ('{"act": "silence"}', 409),  # of no monitor
)


@pytest.mark.parametrize(("body", "status"), BAD, ids=[body[:40] or "nothing" for body, _ in BAD])
def test_what_cannot_be_decided_is_said_in_a_sentence(guarded, body, status):
    answer = guarded.ask(f"/findings/{guarded.first()['name']}", body)
    assert answer.status == status
    assert answer.data["error"]


def test_a_request_without_an_end_harms_nobody(guarded):
    with socket.create_connection(("127.0.0.1", int(guarded.port)), timeout=5) as client:
        head = (
            f"POST /findings/x HTTP/1.1\r\nHost: 127.0.0.1:{guarded.port}\r\nAuthorization: Bearer {guarded.token}\r\n"
        )
        client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        time.sleep(0.3)
    time.sleep(0.3)
    assert guarded.ask("/findings").status == 200


SAID = "SELECT user_name, source, key, run_id, verdict, note FROM feedback ORDER BY feedback_id"
ACTS = "SELECT user_name, act, finding_id, because FROM acts ORDER BY act_id"


@pytest.mark.parametrize(("note", "options"), [("", ()), (" a new shop ", ("--note", "a new shop"))])
@pytest.mark.parametrize("verdict", ["normal", "anomaly"])
def test_a_verdict_and_its_undo_are_kept_as_feedback_keeps_them(serve, run, home, tmp_path, verdict, note, options):
    server = serve()
    finding = server.first()
    assert server.decide(finding["name"], verdict, note).data == {"told": f"{finding['key']}: {verdict}"}
    after = server.ask("/findings").data
    assert (after["n_findings"], after["decided"][0]["told"]) == (1, f"{finding['key']}: {verdict}")
    assert server.decide(finding["name"], verdict).status == 409  # it has one
    assert server.decide(finding["name"], "undo").status == 200
    assert server.first() == finding
    ours = ask(STORE, SAID)
    shutil.copytree(home, tmp_path / "other")
    with chdir(tmp_path / "other"):
        assert run("feedback", finding["key"], f"--{verdict}", *options).code == 0
        assert run("feedback", finding["key"], "--withdraw").code == 0
        assert ours == ask(STORE, SAID)
    assert len(ours) == 2


@pytest.mark.parametrize(("note", "because"), [("", "review"), ("known", "known")])
def test_silence_and_its_undo_are_kept_as_the_commands_keep_them(serve, run, folder, tmp_path, note, because):
    of_a_monitor()
    shutil.copytree(folder, tmp_path / "other")
    server = serve()
    finding = server.first()
    assert finding["can_be_silenced"]
    assert server.decide(finding["name"], "silence", note).data["told"].startswith("100: silent until ")
    days = "SELECT date_diff('hour', now() AT TIME ZONE 'UTC', silenced_until) FROM findings"
    assert 24 * 7 - 2 <= ask(STORE, days)[0][0] <= 24 * 7
    assert server.ask("/findings").data["n_findings"] == 0
    assert server.decide(finding["name"], "undo").status == 200
    ours = ask(STORE, ACTS), ask(STORE, days)
    with chdir(tmp_path / "other"):
        assert run("silence", "0123", "--for", "7d", "--because", because).code == 0
        assert run("unsilence", "0123").code == 0
        assert ours == (ask(STORE, ACTS), ask(STORE, days))
    assert len(ours[0]) == 2


def test_what_was_taken_back_elsewhere_is_to_be_reviewed_again(serve, run):
    server = serve()
    finding = server.first()
    server.decide(finding["name"], "normal")
    assert run("feedback", finding["key"], "--withdraw").code == 0
    after = server.ask("/findings").data
    assert (after["n_findings"], after["decided"]) == (2, [])


def test_while_a_run_has_the_store_it_waits_then_says_so_and_then_works(serve, folder):
    server = serve()
    name = server.first()["name"]
    command = [sys.executable, "-c", HOLDER, folder / STORE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"  # the server has not held it meanwhile
        before = time.monotonic()
        answer = server.decide(name, "normal")
        assert answer.status == 503
        assert "is locked by another process" in answer.data["error"]
        assert 3 < time.monotonic() - before < 20
        assert server.ask("/runs/newest").status == 503
        assert server.ask("/").status == 200
        holder.stdin.close()
    assert server.decide(name, "normal").status == 200
    assert ask(STORE, "SELECT count(*) FROM feedback") == [(1,)]


def test_requests_at_once_get_the_store_one_after_the_other(serve):
    from concurrent.futures import ThreadPoolExecutor

    server = serve()
    name = server.first()["name"]
    with ThreadPoolExecutor(8) as pool:
        shown = [pool.submit(server.ask, "/findings") for _ in range(8)]
        decided = [pool.submit(server.decide, name, "normal") for _ in range(4)]
    assert [done.result().status for done in shown] == [200] * 8
    assert sorted(done.result().status for done in decided) == [200, 409, 409, 409]
    assert ask(STORE, "SELECT count(*) FROM feedback") == [(1,)]


def with_hostile_flags():
    with opened(STORE) as connection:
        for at, value in enumerate(HOSTILE):
            flag = "$v AS key, $n AS rank, $v || ' is odd' AS reason, $v AS finding, 1e-300 AS tail_probability"
            connection.execute(
                f"INSERT INTO flags SELECT * REPLACE ({flag}) FROM flags WHERE rank = 1", {"v": value, "n": 10 + at}
            )


def test_hostile_values_are_inert_in_what_is_answered_and_can_be_judged(serve):
    with_hostile_flags()
    server = serve()
    answer = server.ask("/findings")
    text = answer.body.decode()
    assert answer.headers["content-type"] == "application/json"
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert len(text) < 20_000
    for finding in answer.data["findings"][: len(HOSTILE)]:
        told = server.decide(finding["name"], "anomaly", HOSTILE[0] + HOSTILE[4])
        assert (told.status, told.data["told"]) == (200, f"{finding['key']}: anomaly")
        assert "\x1b" not in told.body.decode()
    said = ask(STORE, "SELECT key, note FROM feedback")
    assert sorted(said) == sorted((value, HOSTILE[0] + HOSTILE[4]) for value in HOSTILE)
    code, out, err = server.end()
    assert (code, err) == (0, "")
    assert out == f"{len(HOSTILE)} decided: {len(HOSTILE)} anomaly\n"


def test_ctrl_c_says_what_was_decided(serve):
    server = serve()
    names = [finding["name"] for finding in server.ask("/findings").data["findings"]]
    for act, name in (("normal", names[0]), ("anomaly", names[1])):
        assert server.decide(name, act).status == 200
    assert server.end() == (0, "2 decided: 1 anomaly, 1 normal\n", "")
    server = serve()
    assert server.end() == (0, "nothing was decided\n", "")


def test_what_was_taken_back_is_not_counted(serve):
    server = serve()
    name = server.first()["name"]
    for act in ("anomaly", "undo"):
        assert server.decide(name, act).status == 200
    assert server.end() == (0, "nothing was decided\n", "")


def test_another_signal_ends_it_as_any_command(serve):
    assert serve().end(signal.SIGTERM)[0] == 143


def test_a_bug_ends_it_and_is_told_where_bugs_are_told(serve):
    server = serve()
    with opened(STORE) as connection:
        connection.execute("UPDATE models SET roles = '[{}]'")
    answer = server.ask("/runs/newest")
    assert answer.status == 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    out, err = server.process.communicate(timeout=30)
    assert server.process.returncode == 70
    assert "this is a bug (KeyError" in err
    assert "Traceback" not in out + err


def refused(*options):
    """What is said when it does not begin; a server that does would go on for ever."""
    command = [sys.executable, "-m", "anomembed", "review", "--web", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    return done.stderr


def test_a_port_that_cannot_be_used_is_a_sentence(folder, guarded):
    assert "Address already in use" in refused("--port", guarded.port)
    assert "1024 to 65535" in refused("--port", "80")
    assert "1024 to 65535" in refused("--port", "70000")


def test_a_store_that_cannot_be_read_is_told_at_once():
    assert "no store at" in refused()


def test_a_browser_judges_and_takes_back(serve, browser):
    server = serve()
    browser.get(server.url)
    deadline = time.monotonic() + 30

    def until(condition):
        while not browser.execute_script(f"return {condition}"):
            assert time.monotonic() < deadline, browser.execute_script("return document.body.innerText")
            time.sleep(0.05)

    def press(text):
        browser.execute_script(
            f"[...document.querySelectorAll('#review button')].find(b => b.textContent === '{text}').click()"
        )

    until("document.querySelectorAll('.finding').length === 2 && document.querySelectorAll('#rows .link').length === 3")
    assert browser.current_url == f"http://127.0.0.1:{server.port}/"  # the token is not shown any more
    browser.execute_script("document.querySelector('#review input').value = 'a new shop'")
    press("Normal")
    until("document.querySelectorAll('.settled').length === 1")
    assert ask(STORE, "SELECT verdict, note FROM feedback") == [("normal", "a new shop")]
    press("Undo")
    until("document.querySelectorAll('.settled').length === 0")
    assert ask(STORE, "SELECT verdict FROM feedback") == [("normal",), ("withdrawn",)]
    browser.refresh()
    until("document.querySelectorAll('.finding').length === 2 && document.querySelectorAll('#rows .link').length === 3")
    press(server.first()["key"])
    until("document.querySelector('.detail') !== null")
    assert browser.get_log("browser") == []
    assert {address.split("/")[2] for address in requests(browser)} == {f"127.0.0.1:{server.port}"}


def test_a_browser_runs_nothing_of_hostile_values_under_the_buttons(serve, browser):
    value = "<img src=x onerror=\"document.title='gone'\"></script><script>document.title='gone'</script>"
    with opened(STORE) as connection:
        connection.execute("UPDATE flags SET key = $v || rank, reason = $v, finding = $v", {"v": value})
    server = serve()
    browser.get(server.url)
    deadline = time.monotonic() + 30
    while not browser.execute_script("return document.querySelector('#rows .link') !== null"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    browser.execute_script("document.querySelector('.finding .acts button').click()")
    while not browser.execute_script("return document.querySelector('.settled') !== null"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert value[:20] in browser.execute_script("return document.querySelector('.settled').textContent")
    assert "flagged of" in browser.title
    assert browser.get_log("browser") == []
