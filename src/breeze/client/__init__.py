"""A Breeze server as if it were the engine itself: the same two calls, the same events.

    async with Client("http://127.0.0.1:8765") as client:
        async with client.stream(ChatRequest.of("Hello")) as events:
            async for event in events: ...
        answer = await client.run(SpeakRequest("Good morning"))

`SyncClient` is the same without `async`. Needs `pip install 'breeze-engine[client]'`.
"""

from __future__ import annotations

from breeze.client.client import Client
from breeze.client.stream import EventStream, Route
from breeze.client.sync import SyncClient, SyncStream

__all__ = ["Client", "EventStream", "Route", "SyncClient", "SyncStream"]
