"""Chat by one request, which is answered with JSON or with a stream of JSON."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import ClassVar, NamedTuple, TypeVar

from breeze.contracts.errors import InputError, RunnerError
from breeze.contracts.events import Adjusted, ChatEvent
from breeze.contracts.requests import ChatRequest
from breeze.runners._catalogue import CatalogueRunner
from breeze.runners._http_answer import Answer
from breeze.runners._http_error_words import Says
from breeze.runners._http_errors import refusal, reported
from breeze.runners._http_json import encoded
from breeze.runners._json_reply import JsonReply, ObjectReader
from breeze.runners._vendor_parameters import ChatVendorParameters

C = TypeVar("C", bound=ChatVendorParameters)


class Asked(NamedTuple):
    """A chat in the vendor's words: where it goes and what is sent.

    `reader`, told where the answer comes from, makes what reads it; `notes` tell what could not
    be honoured.
    """

    path: str
    body: object
    reader: Callable[[str], ObjectReader]
    notes: Sequence[Adjusted]


class JsonChatRunner(CatalogueRunner[C]):
    """Base of runners that chat so. `says`: how their vendor names what went wrong.

    Answers are streamed unless the request is for the whole answer only. What the server refuses
    comes back as our errors; nothing is retried here.
    """

    says: ClassVar[Says]

    @abstractmethod
    async def _asked(self, request: ChatRequest, model: str, parameters: C) -> Asked:
        """`request` as it is sent to `model`. Raises a RunnerError for what cannot be."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        http = self._http or self._unloaded()
        parameters = self.parameters_for(request)
        _check_turns(request, parameters.prefill)
        model = await self._model(http, request)
        path, body, reader, notes = await self._asked(request, model, parameters)
        for note in notes:
            yield note
        sent = encoded(body, "messages")
        with (
            self.work.stream() as work,
            await http.post(path, sent, whole=request.whole) as answer,
        ):
            if answer.status != 200:
                raise await refusal(answer, secrets=self._secrets, field="messages", says=self.says)
            reply = JsonReply(answer, reader(answer.where), partial(self._reported, answer))
            if request.whole:
                work.steps += 1
                reply.take(answer.body())
            else:
                async for data in answer:
                    work.steps += 1
                    for event in reply.take(data):
                        yield event
                    if reply.over:
                        answer.release()
                        break
            for event in reply.end():
                yield event

    def _reported(self, answer: Answer, said: object) -> RunnerError:
        return reported(said, answer, secrets=self._secrets, field="messages", says=self.says)


def _check_turns(request: ChatRequest, prefill: bool) -> None:
    """Raises InputError where the last turn is the model's and it cannot continue one."""
    if not prefill and request.messages[-1].role == "assistant":
        raise InputError(
            "messages: the last turn must be the user's. For models that continue an answer, "
            "set prefill.",
            field="messages",
        )
