"""Several workers behind one port are one server: one list, one count, one end."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.http.asked import Asked
from tests.http.process import LIMIT, Room, Served

pytestmark = pytest.mark.skipif(os.name != "posix", reason="workers need Unix sockets")
NDJSON = "application/x-ndjson"
HELLO = {"model": "mock_llm", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    room = Room(tmp_path)
    room.install_patient()
    return room


def listed(served: Served, key: str = "") -> set[str]:
    """The ids of the requests that run, asked on a new connection."""
    status, _, body = served.ask("GET", "/v2/requests", **({"x_api_key": key} if key else {}))
    assert status == 200
    return {entry["id"] for entry in json.loads(body)["requests"]}


def counted(served: Served, name: str, **labels: str) -> float:
    """One number of /metrics, asked on a new connection."""
    text = served.ask("GET", "/metrics")[2].decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def children(process: int) -> set[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return {int(child) for child in text.split()}


def until(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_every_worker_knows_every_request(room: Room) -> None:
    with room.serving("--workers", "3") as served:
        asked = {(one := Asked(served, room.folder / f"s{i}")).begun(): one for i in range(12)}
        for _ in range(6):
            assert listed(served) == set(asked)
            assert counted(served, "breeze_live_requests") == 12
        for number, (id, one) in enumerate(asked.items()):
            if number % 2:
                status, _, body = served.ask("DELETE", f"/v2/requests/{id}")
                assert (status, json.loads(body)) == (200, {"id": id, "cancelled": True})
                assert "E302" in one.rest()
                assert served.ask("DELETE", f"/v2/requests/{id}")[0] == 404
            else:
                one.finish()
                assert one.rest().rstrip().endswith("[DONE]")
        until(lambda: not listed(served))


def test_a_key_sees_its_own_requests_wherever_they_run(room: Room) -> None:
    ada, bob = (room.breeze("keys", "add", name).stdout.strip() for name in ("ada", "bob"))
    with room.serving("--workers", "2") as served:
        hers = [Asked(served, room.folder / f"a{i}", key=ada) for i in range(4)]
        his = [Asked(served, room.folder / f"b{i}", key=bob) for i in range(4)]
        her_ids, his_ids = ({one.begun() for one in some} for some in (hers, his))
        for _ in range(4):
            assert listed(served, ada) == her_ids
            assert listed(served, bob) == his_ids
        for id in her_ids:
            assert served.ask("DELETE", f"/v2/requests/{id}", x_api_key=bob)[0] == 404
        for one in (*hers, *his):
            one.finish()
            assert one.rest().rstrip().endswith("[DONE]")


def test_a_lost_connection_is_read_on_from_any_worker(room: Room) -> None:
    with room.serving("--workers", "3") as served:
        signs = [room.folder / f"s{i}" for i in range(6)]
        ids = [begun_and_lost(served, sign) for sign in signs]
        readers = [served.connect() for _ in ids]
        for reader, id in zip(readers, ids, strict=True):
            reader.request("GET", f"/v2/requests/{id}/events", headers={"accept": NDJSON})
        for sign in signs:
            sign.touch()
        for reader in readers:
            events = [json.loads(line) for line in reader.getresponse().read().splitlines() if line]
            assert [event["text"] for event in events[:-1]] == ["begun ", "done"]
            assert events[-1]["type"] == "finish"
            reader.close()


def begun_and_lost(served: Served, sign: Path) -> str:
    """The id of a resumable request whose client has left."""
    connection = served.connect()
    body = json.dumps({"model": "patient", "messages": [{"role": "user", "content": str(sign)}]})
    connection.request("POST", "/v2/stream/llm", body, {"x-breeze-resume": "60"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    id = answer.headers["x-request-id"]
    answer.close()
    connection.close()
    return id


def test_the_numbers_are_those_of_all(room: Room) -> None:
    with room.serving("--workers", "3") as served:
        for _ in range(20):
            assert served.ask("POST", "/v1/chat/completions", HELLO)[0] == 200
        for _ in range(6):
            route = "/v1/chat/completions"
            assert counted(served, "breeze_requests_total", route=route) == 20
            assert counted(served, "breeze_request_seconds_count", route=route) == 20
            assert counted(served, "breeze_attempts_total", runner="mock_llm") == 20


def test_a_changed_setting_reaches_all(room: Room) -> None:
    auto = {"messages": HELLO["messages"]}
    with room.serving("--workers", "3") as served:
        for runner in ("mock_llm", "patient", "mock_llm"):
            patch = {"selected_runners": {"LLM": runner}}
            assert served.ask("PATCH", "/v2/settings", patch)[0] == 200
            for _ in range(6):
                explained = served.ask("POST", "/v2/explain", {"type": "chat", **auto})
                assert json.loads(explained[2])["order"][0]["name"] == runner


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are read from /proc")
def test_a_worker_that_dies_is_replaced(room: Room) -> None:
    with room.serving("--workers", "2") as served:
        first = children(served.process.pid)
        assert len(first) == 2
        os.kill(min(first), signal.SIGKILL)
        served.wait_for("another takes its place")
        until(lambda: len(children(served.process.pid) - first) == 1)
        for _ in range(10):
            assert served.ask("POST", "/v1/chat/completions", HELLO)[0] == 200
        served.stop()
        assert served.end() == 0


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are read from /proc")
def test_a_worker_that_hangs_holds_nobody_up(room: Room) -> None:
    with room.serving("--workers", "2") as served:
        hung = min(children(served.process.pid))
        os.kill(hung, signal.SIGSTOP)
        begun = time.monotonic()
        try:
            assert served.ask("GET", "/v2/requests")[0] == 200
            assert served.ask("GET", "/metrics")[0] == 200
            assert time.monotonic() - begun < 15
        finally:
            os.kill(hung, signal.SIGCONT)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are read from /proc")
def test_workers_do_not_outlive_their_supervisor(room: Room) -> None:
    with room.serving("--workers", "2") as served:
        left = children(served.process.pid)
        served.stop(signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in left))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_they_stop_together(room: Room, number: signal.Signals) -> None:
    with room.serving("--workers", "2", "--shutdown-limit", "1") as served:
        slow = Asked(served, room.folder / "slow")
        quick = [Asked(served, room.folder / f"quick{i}") for i in range(5)]
        os.killpg(served.process.pid, number)  # as a terminal does it, and systemd
        assert served.refuses()
        for one in quick:
            one.finish()
        assert all(one.answer()[1].rstrip().endswith("[DONE]") for one in quick)
        assert "E302" in slow.answer()[1]
        assert served.end() == 0
        assert "stopped: 5 requests finished, 1 cancelled" in served.said


def test_what_keeps_a_worker_from_starting_is_said_once(room: Room) -> None:
    (room.folder / "taken").mkdir()
    room.configure(workers=2, accessLog=str(room.folder / "taken"))
    done = room.breeze("serve", "--port", "0")
    assert done.returncode == 2
    assert done.stderr.count("--access-log") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_a_worker_that_is_told_to_stop_as_it_begins_stops(room: Room) -> None:
    site = room.folder / "early"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import os, signal\n"
        "os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))\n"
    )
    path = os.pathsep.join(filter(None, (str(site), room.environ.get("PYTHONPATH", ""))))
    room.environ["PYTHONPATH"] = path
    stopped = room.breeze("serve", "--port", "0", "--workers", "2")
    assert "ended with -15 while it started" in stopped.stderr
