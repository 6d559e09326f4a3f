"""The two ways to an answer: a plain completion, and the server's own loop of tools."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from msgspec.structs import replace

from breeze.contracts.dialects.openai import UpstreamError, chat_body
from breeze.contracts.errors import CapabilityError, ProcessingError, RunnerError
from breeze.contracts.events import Adjusted, ChatEvent, Finish, Progress
from breeze.contracts.requests import ChatRequest
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import reported
from breeze.runners._http_json import encoded
from breeze.runners._http_sse import EventSplitter, Fields
from breeze.runners._llama_stack_files import FIELD, Source, read_all
from breeze.runners._llama_stack_input import Asked, responses_body
from breeze.runners._llama_stack_native import PATH as NATIVE
from breeze.runners._llama_stack_native import NativeReader, native_body
from breeze.runners._llama_stack_parameters import LlamaStackParameters
from breeze.runners._llama_stack_responses import ResponseReader
from breeze.runners._llama_stack_route import Route
from breeze.runners._llama_stack_server import SAYS, Offer, Server
from breeze.runners._llama_stack_shelf import Placed, Shelf
from breeze.runners._llama_stack_sources import Sources
from breeze.runners._openai_reply import Reply
from breeze.runners._openai_whole import whole_events

_CHAT, _RESPONSES = "/chat/completions", "/responses"
_COUNTED = {"include_usage": True}


class _Reply(Reply):
    """A stream of chunks, whose errors are worded as these servers do."""

    __slots__ = ()

    def _reported(self, error: UpstreamError) -> RunnerError:
        return reported(
            error.error, self._answer, secrets=self._secrets, field="messages", says=SAYS
        )


async def completion(
    server: Server, request: ChatRequest, p: LlamaStackParameters, model: str
) -> AsyncGenerator[ChatEvent]:
    """The events of a plain completion."""
    filled = replace(
        request,
        temperature=p.temperature if request.temperature is None else request.temperature,
        max_tokens=request.max_tokens or p.max_tokens,
    )
    body = chat_body(filled, model)
    if not request.whole:
        body.stream, body.stream_options = True, _COUNTED
    data, path = encoded(body, "messages"), server.at(_CHAT)
    answer = await server.ask("POST", path, data, whole=request.whole)
    if answer.status != 200:
        raise await server.refused(answer, "messages")
    if request.whole:
        for event in whole_events(answer, request.top_logprobs, server.secrets):
            yield event
        return
    with answer:
        reply = _Reply(answer, request.top_logprobs, server.secrets)
        async for piece in answer:
            for event in reply.take(piece):
                yield event
            if reply.over:
                break
        for event in reply.end():
            yield event


def oldest(offer: Offer) -> bool:
    """Whether a server has a protocol of its own and nothing of OpenAI's.

    Raises CapabilityError when it has neither.
    """
    if offer.has(_CHAT):
        return False
    if offer.has(NATIVE):
        return True
    raise CapabilityError("The server has no chat: its inference is not set up.")


async def native(
    server: Server, request: ChatRequest, p: LlamaStackParameters, model: str
) -> AsyncGenerator[ChatEvent]:
    """The events of a completion by the protocol that the oldest servers have for themselves."""
    body, adjusted = native_body(request, p, model)
    for note in adjusted:
        yield note
    data = encoded(body, "messages")
    answer = await server.ask("POST", NATIVE, data, whole=request.whole)
    reader = NativeReader(answer.where)
    if request.whole:
        for event in reader.take(await server.read(answer, "messages")):
            yield event
    elif answer.status != 200:
        raise await server.refused(answer, "messages")
    else:
        with answer:
            split = EventSplitter(_with_error)
            async for piece in answer:
                for found in split.feed(piece):
                    for event in reader.take(server.checked(found, answer)):
                        yield event
                if reader.over:
                    answer.release()
                    break
    yield reader.end()


async def response(
    server: Server, shelf: Shelf, route: Route, p: LlamaStackParameters, model: str
) -> AsyncGenerator[ChatEvent]:
    """The events of an answer for which the server may search and call tools."""
    placed: list[Placed] = []
    try:
        files: dict[str, Source] = {}
        if route.searches:
            read = await read_all(route.sources, p)
            for i, source in enumerate(read):
                yield Progress("upload", float(i), float(len(read)))
                placed.append(await shelf.place(source))
                files[placed[-1].file] = source
            yield Progress("upload", float(len(read)), float(len(read)))
        tools = [*_search(placed, p), *route.tools]
        newer = server.offer.number >= (0, 3)
        asked = Asked(model, tools, newer, route.forced(p))
        body, adjusted = responses_body(route.request, p, asked)
        for note in adjusted:
            yield note
        sources = Sources(files)
        async with aclosing(_answer(server, body, sources, route.request.whole)) as events:
            async for event in events:
                if isinstance(event, Finish) and placed and not sources.searched:
                    why = "the model did not search, or nothing was found"
                    yield Adjusted(FIELD, [source.name for source in files.values()], [], why)
                yield event
    finally:
        shelf.release(placed)


def _search(placed: list[Placed], p: LlamaStackParameters) -> list[dict[str, Any]]:
    stores = [one.store for one in placed]
    if not stores:
        return []
    tool = {"type": "file_search", "vector_store_ids": stores, "max_num_results": p.rag_results}
    return [tool]


async def _answer(
    server: Server, body: dict[str, Any], sources: Sources, whole: bool
) -> AsyncGenerator[ChatEvent]:
    data = encoded(body, "messages")
    answer = await server.ask("POST", server.at(_RESPONSES), data, whole=whole)
    reader = ResponseReader(answer, server.secrets, sources)
    if whole:
        for event in reader.whole(await server.read(answer, "messages")):
            yield event
    elif answer.status != 200:
        raise await server.refused(answer, "messages")
    else:
        with answer:
            async with aclosing(_pieces(answer, reader)) as pieces:
                async for events in pieces:
                    for event in events:
                        yield event
    finish = reader.end()
    more = {**sources.metadata(), "server_tool_calls": reader.calls}
    yield Finish(finish.reason, metadata={**(finish.metadata or {}), **more})


async def _pieces(answer: Answer, reader: ResponseReader) -> AsyncGenerator[list[ChatEvent]]:
    """The events of a stream, piece by piece, until the last one was there."""
    split = EventSplitter(_with_error)
    async for piece in answer:
        for data in split.feed(piece):
            if data[:6] != b"[DONE]":
                yield reader.take(data)
            if reader.over:
                answer.release()
                return
    for data in split.end():
        try:
            yield reader.take(data)
        except ProcessingError as error:
            if error.detail != "malformed":
                raise
            return  # the rest of an event that was cut off


def _with_error(fields: Fields) -> bytes:
    """The data of an event; an error may be a field of its own."""
    if b"error" in fields:
        return b'{"error":' + fields[b"error"] + b"}"
    return fields.get(b"data", b"")
