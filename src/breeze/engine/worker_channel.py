"""One end of the private socket between an engine and a worker, on an event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from breeze.contracts.unreadable import UNREADABLE
from breeze.engine.worker_frames import BrokenFrame, Inbox, Outbox
from breeze.engine.worker_messages import Message

M = TypeVar("M", bound=Message)
_GONE = (ConnectionResetError, BrokenPipeError)
"""What a peer leaves that ended without reading everything: how it ended says more."""


def _refuse(kind: type, value: Any) -> Any:
    raise ValueError("a live source is no data")


class Channel(Generic[M]):
    """Sends messages, and hands over those that come, of the types `expected`.

    What becomes ready in one turn of the loop goes in one write. `lost` is called once: with ""
    when the peer has gone, or why it cannot be understood; the channel is closed then. What
    `last_word` gives goes at the end of each write.
    """

    def __init__(
        self,
        peer: socket.socket,
        expected: Any,
        took: Callable[[M], object],
        lost: Callable[[str], object],
        last_word: Callable[[], Message | None] = lambda: None,
    ) -> None:
        peer.setblocking(False)
        self._peer: socket.socket | None = peer
        self._loop = asyncio.get_running_loop()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(expected, dec_hook=_refuse)
        self._out, self._in = Outbox(peer), Inbox(peer)
        self._took, self._lost, self._last_word = took, lost, last_word
        self._planned = self._blocked = False
        self._loop.add_reader(peer, self._readable)

    def send(self, message: Message) -> None:
        """Send `message` at the end of this turn. Raises TooLong; nothing is sent to who is gone.

        What cannot be data raises as msgspec does.
        """
        if self._peer is None:
            return
        self._out.add(self._encoder.encode(message))
        self.plan()

    def plan(self) -> None:
        """Write at the end of this turn."""
        if not self._planned and not self._blocked and self._peer is not None:
            self._planned = True
            self._loop.call_soon(self._write)

    def _write(self) -> None:
        self._planned = False
        if self._peer is None:
            return
        if (word := self._last_word()) is not None:
            self._out.add(self._encoder.encode(word))
        try:
            done = self._out.write()
        except _GONE:
            self._end("")
            return
        except OSError as error:
            self._end(f"it cannot be written to ({error.strerror})")
            return
        if self._blocked and done:
            self._loop.remove_writer(self._peer)
        elif not self._blocked and not done:
            self._loop.add_writer(self._peer, self._write)
        self._blocked = not done

    def _readable(self) -> None:
        try:
            alive = self._in.read()
            for data in self._in.messages():
                message = self._decoder.decode(data)
                self._took(message)
                if self._peer is None:
                    return
        except BlockingIOError:
            return
        except BrokenFrame as error:
            self._end(f"it sent what is no frame: {error}")
        except UNREADABLE as error:
            self._end(f"it sent what nobody can read: {error}")
        except _GONE:
            self._end("")
        except OSError as error:
            self._end(f"it cannot be read from ({error.strerror})")
        else:
            if not alive:
                self._end("")

    def _end(self, why: str) -> None:
        if self._peer is not None:
            self.close()
            self._lost(why)

    def hang_up(self) -> None:
        """Take the peer for gone, though its end may be held open."""
        self._end("")

    def close(self) -> None:
        """Stop reading and writing. Harmless when it was closed before."""
        peer, self._peer = self._peer, None
        if peer is not None:
            self._loop.remove_reader(peer)
            self._loop.remove_writer(peer)
            self._out.close()
            self._in.close()
            peer.close()
