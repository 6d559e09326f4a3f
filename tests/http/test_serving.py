"""`breeze serve` as a person starts it: addresses, keys, TLS, and what it refuses."""

from __future__ import annotations

import json
import os
import socket
import ssl
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.http.process import Room

HELLO = {"model": "mock_llm", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


def test_it_says_where_it_is_and_answers(room: Room) -> None:
    with room.serving() as served:
        assert served.said.startswith("Breeze is ready on http://127.0.0.1:")
        assert "(keys: none; " in served.said
        status, headers, body = served.ask("POST", "/v1/chat/completions", HELLO)
        assert status == 200
        assert headers["x-breeze-runner"] == "mock_llm"
        assert json.loads(body)["choices"][0]["message"]["content"]
        assert "server" not in headers


def test_both_headers_of_a_key_make_the_same_caller(room: Room) -> None:
    use, operate = (
        room.breeze("keys", "add", role, "--role", role).stdout.strip()
        for role in ("use", "operate")
    )
    with room.serving() as served:
        assert "(keys: 2; " in served.said
        for key, status in ((use, 200), (operate, 200), ("brz_wrong", 401), ("", 401)):
            for headers in ({"authorization": f"Bearer {key}"}, {"x_api_key": key}):
                answer = served.ask("POST", "/v1/chat/completions", HELLO, **headers)
                assert answer[0] == status
                assert key == "" or key.encode() not in answer[2]
        assert served.ask("POST", "/v1/chat/completions", HELLO)[0] == 401
        assert served.ask("GET", "/health")[0] == 200
        for key, status in ((use, 403), (operate, 200)):
            assert served.ask("GET", "/metrics", authorization=f"Bearer {key}")[0] == status


def test_the_keys_of_the_configuration_count_too(room: Room) -> None:
    room.configure(apiKeys=[{"name": "ada", "key": "a-key-of-ours", "role": "use"}])
    with room.serving() as served:
        for key, status in (("a-key-of-ours", 200), ("a-key-of-our", 401)):
            assert served.ask("POST", "/v1/chat/completions", HELLO, x_api_key=key)[0] == status
    assert "a-key-of-ours" not in room.breeze("keys", "list", "--json").stdout


def test_tls_by_files(room: Room, certificate: tuple[str, str]) -> None:
    cert, key = certificate
    with room.serving("--tls-cert", cert, "--tls-key", key) as served:
        assert served.place.startswith("https://")
        connection = served.connect(context=ssl.create_default_context(cafile=cert))
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()


def test_an_idle_client_of_tls_does_not_hold_the_end(
    room: Room, certificate: tuple[str, str]
) -> None:
    cert, key = certificate
    with room.serving("--tls-cert", cert, "--tls-key", key, "--shutdown-limit", "600") as served:
        connection = served.connect(context=ssl.create_default_context(cafile=cert))
        connection.request("GET", "/health")
        connection.getresponse().read()
        begun = time.monotonic()
        served.stop()
        assert served.end() == 0
        assert time.monotonic() - begun < 5
        assert "ERROR" not in served.said
        connection.close()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets here")
def test_a_unix_socket_is_private_and_goes_with_the_server(room: Room) -> None:
    path = room.folder / "breeze.sock"
    with room.serving("--uds", str(path)) as served:
        assert served.place == f"unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert served.ask("GET", "/health")[0] == 200
        second = room.breeze("serve", "--uds", str(path))
        assert second.returncode == 5
        assert "in use" in second.stderr
        assert served.ask("GET", "/health")[0] == 200
        served.stop()
        assert served.end() == 0
        assert not path.exists()


def test_a_socket_that_a_dead_server_left_is_replaced(room: Room) -> None:
    path = room.folder / "breeze.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    with room.serving("--uds", str(path)) as served:
        assert served.ask("GET", "/health")[0] == 200


def test_a_file_is_no_place_for_a_socket(room: Room) -> None:
    path = room.folder / "notes.txt"
    path.write_text("keep me")
    done = room.breeze("serve", "--uds", str(path))
    assert done.returncode == 2
    assert "is a file" in done.stderr
    assert path.read_text() == "keep me"


def test_a_port_that_is_taken(room: Room) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = room.breeze("serve", "--port", port)
    assert done.returncode == 5
    assert f"127.0.0.1:{port} cannot be listened on" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_others_are_let_in_only_with_a_key(room: Room, host: str) -> None:
    done = room.breeze("serve", "--port", "0", "--host", host)
    assert done.returncode == 2
    assert "breeze keys add" in done.stderr


def test_with_a_key_others_are_let_in(room: Room) -> None:
    key = room.breeze("keys", "add", "ada").stdout.strip()
    with room.serving("--host", "0.0.0.0") as served:
        assert served.ask("POST", "/v1/chat/completions", HELLO)[0] == 401
        assert served.ask("POST", "/v1/chat/completions", HELLO, x_api_key=key)[0] == 200


def test_an_empty_secret_is_refused(room: Room) -> None:
    for empty in ("", "   "):
        room.configure(apiKeys=[{"name": "ada", "key": empty}])
        done = room.breeze("serve", "--port", "0")
        assert done.returncode == 2
        assert "apiKeys[0].key" in done.stderr
        assert "let everybody in" in done.stderr


def test_unreadable_tls_files(room: Room, certificate: tuple[str, str], tmp_path: Path) -> None:
    cert, key = certificate
    for options, said in (
        (("--tls-cert", cert), "go together"),
        (("--tls-cert", str(tmp_path / "no.pem"), "--tls-key", key), "cannot be read"),
        (("--tls-cert", key, "--tls-key", cert), "fit together"),
    ):
        done = room.breeze("serve", "--port", "0", *options)
        assert done.returncode == 2
        assert said in done.stderr
        assert "PRIVATE" not in done.stderr


def test_the_command_line_counts_more_than_the_file(room: Room) -> None:
    room.configure(port=1, host="192.0.2.7", allowedHosts=["file.example"], workers=1)
    with room.serving("--host", "127.0.0.1", "--allow-host", "line.example") as served:
        assert served.ask("GET", "/health", host="line.example")[0] == 200
        assert served.ask("GET", "/health", host="file.example")[0] != 200


def test_what_the_file_says_counts(room: Room) -> None:
    room.configure(allowedHosts=["file.example"], limits={"bodyMib": 1})
    with room.serving() as served:
        assert served.ask("GET", "/health", host="file.example")[0] == 200
        assert served.ask("GET", "/health", host="other.example")[0] != 200
        long = {**HELLO, "messages": [{"role": "user", "content": "x" * 1_100_000}]}
        assert served.ask("POST", "/v1/chat/completions", long)[0] == 413


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="memory is read from /proc")
def test_an_idle_server_is_small(room: Room) -> None:
    with room.serving() as served:
        assert served.ask("POST", "/v1/chat/completions", HELLO)[0] == 200
        status = Path(f"/proc/{served.process.pid}/status").read_text()
        assert int(status.split("VmRSS:")[1].split()[0]) < 80_000


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_keys_on_the_command_line(room: Room) -> None:
    made = room.breeze("keys", "add", "ada", "--role", "operate")
    assert made.returncode == 0
    assert made.stdout.startswith("brz_")
    listed = room.breeze("keys", "list", "--json")
    (key,) = map(json.loads, listed.stdout.splitlines())
    assert (key["name"], key["role"]) == ("ada", "operate")
    stored = json.loads((room.home / "keys.json").read_text())["keys"][0]
    assert stored["digest"] not in listed.stdout + made.stderr
    assert made.stdout.strip() not in listed.stdout + made.stderr
    assert room.breeze("keys", "add", "ada").returncode == 2
    assert room.breeze("keys", "revoke", "ada").returncode == 0
    assert room.breeze("keys", "revoke", "ada").returncode != 0
    assert room.breeze("keys", "list").stdout == ""
