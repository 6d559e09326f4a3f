"""Frames on a private socket: a length, then as many bytes of msgpack.

What is larger than `INLINE` travels as a sealed file in memory, whose descriptor comes with the
frame's head: sound and pictures are not squeezed through the socket piece by piece. What a peer
says is never believed: no memory is taken before a length is checked, and a file's own size counts.
"""

from __future__ import annotations

import array
import fcntl
import os
import socket
from collections import deque
from collections.abc import Iterator
from struct import Struct

INLINE = 256 * 1024
"""Bytes up to which a message goes through the socket itself."""
LARGEST = 512 * 1024 * 1024
"""Bytes of one message, at most."""
HEAD = Struct("!BI")
"""How the message comes (0: it follows, 1: in the file whose descriptor comes along), its bytes."""
_BLOCK = 256 * 1024
_FILES = 8
"""Descriptors that are taken from one read; one comes with each head."""
_SEALED = 0x1 | 0x2 | 0x4 | 0x8  # F_SEAL_SEAL, _SHRINK, _GROW, _WRITE: neither side may change it
_memory_file = getattr(os, "memfd_create", None)
_LARGEST_INLINE = INLINE if _memory_file is not None else LARGEST


class BrokenFrame(Exception):
    """What came is no frame: nothing that follows can be read."""


class TooLong(Exception):
    """A message is larger than `LARGEST`; `size` in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes; at most {LARGEST} can be sent")
        self.size = size


class Outbox:
    """What is to be written, in order."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer
        self._waiting: deque[tuple[memoryview, int]] = deque()
        self._inline = bytearray()

    def __bool__(self) -> bool:
        return bool(self._waiting or self._inline)

    def add(self, message: bytes) -> None:
        """Append a frame. Raises TooLong."""
        size = len(message)
        if size > LARGEST:
            raise TooLong(size)
        if size <= _LARGEST_INLINE or _memory_file is None:
            self._inline += HEAD.pack(0, size)
            self._inline += message
            return
        file = _in_memory(message)
        self._seal_inline()
        self._waiting.append((memoryview(HEAD.pack(1, size)), file))

    def write(self) -> bool:
        """Write what the socket takes; whether that was all. Raises OSError."""
        self._seal_inline()
        while self._waiting:
            data, file = self._waiting[0]
            try:
                if file < 0:
                    sent = self._peer.send(data)
                else:
                    sent = socket.send_fds(self._peer, [data], [file])
                    os.close(file)
            except BlockingIOError:
                return False
            if sent < len(data):
                self._waiting[0] = (data[sent:], -1)
            else:
                self._waiting.popleft()
        return True

    def _seal_inline(self) -> None:
        """What was appended so far goes in one write."""
        if self._inline:
            self._waiting.append((memoryview(self._inline), -1))
            self._inline = bytearray()

    def close(self) -> None:
        """Forget what was not written."""
        for _, file in self._waiting:
            if file >= 0:
                os.close(file)
        self._waiting.clear()
        self._inline = bytearray()


def _in_memory(message: bytes) -> int:
    assert _memory_file is not None
    file: int = _memory_file("breeze", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(message)
        while view:
            view = view[os.write(file, view) :]
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALED)
    except BaseException:
        os.close(file)
        raise
    return file


class Inbox:
    """What is read, frame by frame."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer
        self._bytes = bytearray()
        self._files: deque[int] = deque()

    def read(self) -> bool:
        """Read what is there; False when the peer has closed. Raises OSError, BlockingIOError."""
        space = socket.CMSG_SPACE(_FILES * array.array("i").itemsize)
        data, extra, _, _ = self._peer.recvmsg(_BLOCK, space)
        for level, kind, found in extra:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                files = array.array("i")
                files.frombytes(found[: len(found) - len(found) % files.itemsize])
                self._files.extend(files)
        self._bytes += data
        return bool(data)

    def messages(self) -> Iterator[bytes]:
        """Every message that is complete. Raises BrokenFrame.

        It must be read to its end before more is read from the socket.
        """
        start, end = 0, len(self._bytes)
        while end - start >= HEAD.size:
            kind, size = HEAD.unpack_from(self._bytes, start)
            if kind > 1 or size > (LARGEST if kind else _LARGEST_INLINE):
                raise BrokenFrame(f"a head that says {kind}, {size} bytes")
            body = start + HEAD.size
            if not kind and end - body < size:
                break
            start = body if kind else body + size
            yield self._from_file(size) if kind else bytes(self._bytes[body:start])
        del self._bytes[:start]
        if len(self._files) > _FILES:
            raise BrokenFrame("descriptors that nobody announced")

    def _from_file(self, size: int) -> bytes:
        """What a passed file holds. It is read and not mapped: then nothing that its maker does to
        it meanwhile can hurt.
        """
        if not self._files:
            raise BrokenFrame("a head without its descriptor")
        file = self._files.popleft()
        try:
            if os.fstat(file).st_size != size:
                raise BrokenFrame(f"a file of another size than the {size} bytes announced")
            message = os.pread(file, size, 0)
            if len(message) < size:
                raise BrokenFrame("a file that became shorter")
            return message
        except OSError as error:
            raise BrokenFrame(f"a descriptor that cannot be read: {error.strerror}") from error
        finally:
            os.close(file)

    def close(self) -> None:
        """Close the descriptors that nobody took."""
        while self._files:
            os.close(self._files.popleft())
