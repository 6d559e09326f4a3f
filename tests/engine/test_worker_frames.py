"""Frames between an engine and a worker: of whatever comes, only BrokenFrame can come."""

from __future__ import annotations

import array
import os
import socket
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from breeze.engine.worker_frames import HEAD, INLINE, LARGEST, BrokenFrame, Inbox, Outbox, TooLong

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers need Unix sockets")
linux = pytest.mark.skipif(sys.platform != "linux", reason="files in memory are Linux's")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def received(inbox: Inbox) -> list[bytes]:
    """Every message that can be read now."""
    found: list[bytes] = []
    while True:
        try:
            alive = inbox.read()
        except BlockingIOError:
            return found
        found += [bytes(message) for message in inbox.messages()]
        if not alive:
            return found


def carried(messages: list[bytes]) -> list[bytes]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        outbox, inbox, found = Outbox(ours), Inbox(theirs), list[bytes]()
        for message in messages:
            outbox.add(message)
        done = False
        while not done:
            done = outbox.write()
            found += received(inbox)
        inbox.close()
        return found


@settings(deadline=None)
@given(st.lists(st.binary(max_size=3000), max_size=30))
def test_messages_arrive_as_they_were_sent(messages: list[bytes]) -> None:
    assert carried(messages) == messages


@pytest.mark.parametrize("size", [INLINE - 1, INLINE, INLINE + 1, 5_000_000])
def test_large_messages_keep_their_place(size: int) -> None:
    messages = [b"before", os.urandom(size), b"between", os.urandom(size), b"after"]
    assert carried(messages) == messages


@given(st.binary(max_size=400), st.lists(st.integers(1, 50), max_size=20))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_garbage_is_a_broken_frame_or_waits_for_more(data: bytes, cuts: list[int]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        inbox, place = Inbox(theirs), 0
        try:
            for size in (*cuts, len(data)):
                ours.sendall(data[place : place + size])
                place += size
                received(inbox)
        except BrokenFrame:
            pass
        inbox.close()


@settings(deadline=None)
@given(st.lists(st.binary(max_size=100), min_size=1, max_size=5), st.integers(1, 7))
def test_a_cut_in_the_middle_of_a_frame_loses_only_that_one(
    messages: list[bytes], missing: int
) -> None:
    whole = b"".join(HEAD.pack(0, len(message)) + message for message in messages)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        inbox = Inbox(theirs)
        ours.sendall(whole[: max(0, len(whole) - missing)])
        ours.close()
        found = received(inbox)
        assert found == messages[: len(found)]
        assert len(found) < len(messages)


def test_a_length_is_refused_before_anything_is_kept_for_it(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    ours.sendall(HEAD.pack(0, LARGEST + 1))
    with pytest.raises(BrokenFrame, match="536870913 bytes"):
        received(Inbox(theirs))


def test_what_is_too_large_is_not_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(TooLong, match="at most 536870912"):
        Outbox(pair[0]).add(bytes(LARGEST + 1))


@linux
def test_a_head_without_its_file_is_broken(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    ours.sendall(HEAD.pack(1, 10))
    with pytest.raises(BrokenFrame, match="without its descriptor"):
        received(Inbox(theirs))


@linux
def test_the_size_of_a_file_is_its_own(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    file = os.memfd_create("short")
    os.write(file, b"short")
    socket.send_fds(ours, [HEAD.pack(1, 1_000_000)], [file])
    os.close(file)
    with pytest.raises(BrokenFrame, match="another size"):
        received(Inbox(theirs))


@linux
def test_what_is_no_file_is_broken(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    end, other = os.pipe()
    socket.send_fds(ours, [HEAD.pack(1, 3)], [end])
    with pytest.raises(BrokenFrame):
        received(Inbox(theirs))
    os.close(end)
    os.close(other)


@linux
def test_descriptors_that_nobody_announced_are_closed(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    before = len(os.listdir("/proc/self/fd"))
    file = os.memfd_create("unannounced")
    numbers = array.array("i", [file] * 60)
    for _ in range(3):
        ours.sendmsg([HEAD.pack(0, 0)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
    os.close(file)
    inbox = Inbox(theirs)
    with pytest.raises(BrokenFrame, match="nobody announced"):
        received(inbox)
    inbox.close()
    assert len(os.listdir("/proc/self/fd")) == before


@linux
def test_a_file_on_its_way_cannot_be_changed(pair: tuple[socket.socket, socket.socket]) -> None:
    outbox = Outbox(pair[0])
    outbox.add(bytes(INLINE + 1))
    outbox.write()
    _, files, _, _ = socket.recv_fds(pair[1], HEAD.size, 1)
    with pytest.raises(PermissionError):
        os.ftruncate(files[0], 0)
    with pytest.raises(PermissionError):
        os.write(files[0], b"other")
    os.close(files[0])
