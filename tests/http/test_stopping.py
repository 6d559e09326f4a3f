"""The end of a server: who is under way may finish, who takes too long is told."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.http.asked import Asked
from tests.http.process import Room, Served, wait_until


@pytest.fixture
def room(tmp_path: Path) -> Room:
    room = Room(tmp_path)
    room.install_patient()
    return room


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("stream", [True, False])
def test_who_is_under_way_may_finish(room: Room, number: signal.Signals, stream: bool) -> None:
    with room.serving() as served:
        asked = Asked(served, room.folder / "sign", stream=stream)
        served.stop(number)
        assert served.refuses()
        asked.finish()
        status, text = asked.answer()
        assert status == 200
        assert "done" in text
        assert text.rstrip().endswith("data: [DONE]") is stream
        assert served.end() == 0
        assert "stopped: 1 request finished, 0 cancelled" in served.said


def test_a_stream_that_takes_too_long_ends_in_an_error(room: Room) -> None:
    with room.serving("--shutdown-limit", "0.2") as served:
        asked = Asked(served, room.folder / "sign", stream=True)
        served.stop()
        status, text = asked.answer()
        assert status == 200
        last = [line for line in text.splitlines() if line.startswith("data: ")][-1]
        error = json.loads(last.removeprefix("data: "))
        assert error["breeze"]["code"] == "E302"
        assert "stopping" in error["error"]["message"]
        assert served.end() == 0
        assert "stopped: 0 requests finished, 1 cancelled" in served.said
        assert "Traceback" not in served.said


def test_a_whole_answer_that_takes_too_long_is_refused(room: Room) -> None:
    with room.serving("--shutdown-limit", "0.2") as served:
        asked = Asked(served, room.folder / "sign", stream=False)
        served.stop()
        status, text = asked.answer()
        assert status == 503
        assert json.loads(text)["error"]["code"] == "cancelled"
        assert served.end() == 0


def test_some_finish_and_some_do_not(room: Room) -> None:
    with room.serving("--shutdown-limit", "1") as served:
        slow = Asked(served, room.folder / "slow", stream=True)
        quick = [Asked(served, room.folder / f"quick{i}", stream=True) for i in range(3)]
        served.stop()
        assert served.refuses()
        for asked in quick:
            asked.finish()
        assert all(asked.answer()[1].rstrip().endswith("[DONE]") for asked in quick)
        assert "E302" in slow.answer()[1]
        assert served.end() == 0
        assert "stopped: 3 requests finished, 1 cancelled" in served.said


@pytest.mark.parametrize("more", [(), ("--workers", "2")])
def test_a_second_signal_stops_at_once(room: Room, more: tuple[str, ...]) -> None:
    with room.serving("--shutdown-limit", "600", *more) as served:
        asked = Asked(served, room.folder / "sign", stream=True)
        served.stop()
        assert served.refuses()
        begun = time.monotonic()
        served.stop()
        assert "E302" in asked.answer()[1]  # even so it is told
        assert served.end() == 0
        assert time.monotonic() - begun < 5


def test_idle_connections_do_not_hold_it(room: Room) -> None:
    with room.serving("--shutdown-limit", "600") as served:
        kept = [served.connect() for _ in range(5)]
        for connection in kept:
            connection.request("GET", "/health")
            connection.getresponse().read()
        silent = served.connect()
        silent.connect()
        begun = time.monotonic()
        served.stop()
        assert served.end() == 0
        assert time.monotonic() - begun < 5
        assert "no request was under way" in served.said
        for connection in kept:
            connection.sock.settimeout(5)
            assert connection.sock.recv(1) == b""
            connection.close()
        silent.close()


def test_half_a_request_does_not_hold_it(room: Room) -> None:
    with room.serving("--shutdown-limit", "0.2") as served:
        connection = served.connect()
        connection.putrequest("POST", "/v1/chat/completions")
        connection.putheader("content-length", "1000")
        connection.endheaders(b"{")
        served.ask("GET", "/health")  # a turn later the first one is being read
        served.stop()
        assert connection.getresponse().status == 503
        connection.close()
        assert served.end() == 0
        assert "Traceback" not in served.said


def test_a_connection_that_is_answered_meanwhile_is_closed_after_it(room: Room) -> None:
    with room.serving() as served:
        asked = Asked(served, room.folder / "sign", stream=False)
        served.stop()
        assert served.refuses()
        asked.finish()
        answer = asked.connection.getresponse()
        assert answer.getheader("connection") == "close"
        answer.read()
        asked.connection.close()
        assert served.end() == 0


def test_an_idle_socket_of_the_router_does_not_hold_it(room: Room) -> None:
    with room.serving("--shutdown-limit", "600") as served:
        with router(served) as socket:
            begun = time.monotonic()
            served.stop()
            assert served.end() == 0
            assert time.monotonic() - begun < 5
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=5)


@pytest.mark.parametrize("finishes", [True, False])
def test_what_the_router_has_under_way_gets_its_end(room: Room, finishes: bool) -> None:
    room.prefer(LLM="patient")
    sign = room.folder / "sign"
    with room.serving("--shutdown-limit", "600" if finishes else "0.2") as served:
        with router(served) as socket:
            ask = {"id": "r1", "text": str(sign), "sessionId": "s", "timestamp": 1}
            socket.send('{"id": 1, "method": "registerListener"}')
            socket.send(json.dumps({"id": 2, "method": "sendMessage", "params": ask}))
            wait_until(sign.with_suffix(".begun"))
            served.stop()
            assert served.refuses()
            if finishes:
                sign.touch()
            states = [push["params"]["state"] for push in pushes(socket)]
            assert states[-1] == ("COMPLETED" if finishes else "ERROR")
        assert served.end() == 0


def router(served: Served) -> ClientConnection:
    return connect(served.place.replace("http:", "ws:") + "/v2/router")


def pushes(socket: ClientConnection) -> Iterator[dict[str, Any]]:
    """What the server sends of its own accord, until it closes."""
    with suppress(ConnectionClosed):
        while True:
            frame = json.loads(socket.recv(timeout=30))
            if "params" in frame and "state" in frame["params"]:
                yield frame
