"""Writes a stream to its connection, piece by piece."""

from __future__ import annotations

from breeze.contracts.clock import Timer
from breeze.surfaces.http.exchange import Exchange
from breeze.surfaces.http.reply import NDJSON, SSE, Stream

BEAT = 15.0
"""Seconds of silence after which a stream gives a sign of life."""
_BEATS = {SSE: b": \n\n", NDJSON: b"\n"}


async def send_stream(exchange: Exchange, stream: Stream, beat: float = BEAT) -> None:
    """An answer as it is made; the pieces' generator is closed whatever happens.

    A client that does not read holds the pieces up. After `beat` seconds without a piece comes a
    sign of life, where the type has one.
    """
    connection, write, pieces = exchange.connection, exchange.write, stream.pieces
    heart = None
    try:
        exchange.begin(stream)
        if stream.type in _BEATS:
            heart = _Heart(exchange, _BEATS[stream.type], beat)
        async for piece in pieces:
            write(piece)
            if connection.stuck:
                await exchange.drained()
    finally:
        if heart is not None:
            heart.stop()
        stream.sent = exchange.sent
        await pieces.aclose()
    exchange.end()


class _Heart:
    """One timer for a whole stream: it looks whether anything has gone out since it last did."""

    __slots__ = ("_beat", "_every", "_exchange", "_sent", "_timer")

    def __init__(self, exchange: Exchange, beat: bytes, every: float) -> None:
        self._exchange = exchange
        self._beat = beat
        self._every = every
        self._wait()

    def _wait(self) -> None:
        self._sent = self._exchange.sent
        self._timer: Timer = self._exchange.connection.clock.call_later(self._every, self._look)

    def _look(self) -> None:
        if self._exchange.sent == self._sent and not self._exchange.connection.stuck:
            self._exchange.write(self._beat)
        self._wait()

    def stop(self) -> None:
        self._timer.cancel()
