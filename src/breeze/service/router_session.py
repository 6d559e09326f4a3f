"""One client of the router: the methods of the contract, and the requests it has running."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from breeze.contracts.answers import Adjustment
from breeze.contracts.errors import (
    CancelledError,
    InputError,
    OverloadedError,
    ProcessingError,
    RunnerError,
)
from breeze.contracts.events import Finish
from breeze.contracts.request import new_id
from breeze.contracts.results import cut
from breeze.contracts.router import (
    API_MINOR,
    API_VERSION,
    AIRequest,
    AIResponse,
    Configuration,
    LogLevel,
    MetadataKey,
)
from breeze.engine.stream import EventStream, Route
from breeze.engine.watch import Watch
from breeze.service.router_answer import Answer
from breeze.service.router_log import SessionLog
from breeze.service.router_plan import Plan, version_of
from breeze.service.router_preferred import elsewhere
from breeze.service.router_runners import backend_of
from breeze.service.router_settings import Preferences, read_configuration

if TYPE_CHECKING:
    from breeze.service.router import RouterService

Listener = Callable[[AIResponse], Awaitable[None] | None]
"""Called with each response; one that is awaited slows the request that it answers."""
_SERVER_LOG = logging.getLogger("breeze.server")


class Live:
    """A request that is being answered."""

    def __init__(self, asked: AIRequest, version: int) -> None:
        self.asked = asked
        self.answer = Answer(asked.id, version, new_id())
        self.stream: EventStream[Any] | None = None
        self.plan: Plan | None = None
        self.watch = Watch()
        self.over = False
        self.task: asyncio.Task[None] | None = None

    def cancel(self) -> bool:
        """Stop it. True only if something was stopped."""
        if self.over:
            return False
        if self.stream is not None:
            return self.stream.cancel()
        return self.watch.fire(CancelledError("The request was cancelled."))


class RouterSession:
    """What one client sees. All methods may be called at the same time.

    Responses wait until a listener is registered; a request ends in exactly one response that is
    complete. Make a session with `RouterService.open`.
    """

    def __init__(self, service: RouterService, owner: str, *, operate: bool) -> None:
        self.owner = owner
        self.operate = operate
        self._service = service
        self._preferences = Preferences()
        self._live: dict[str, Live] = {}
        self._listeners: list[Listener] = []
        self._heard = asyncio.Event()
        self._log = SessionLog()

    # the contract -------------------------------------------------------------------------

    async def get_api_version(self) -> int:
        """The major version of the contract."""
        return API_VERSION

    async def get_api_minor(self) -> int:
        """The minor version of the contract."""
        return API_MINOR

    async def initialize(self, configuration: Configuration) -> tuple[Adjustment, ...]:
        """Take up a configuration for the requests that follow; what of it has no effect.

        Raises VersionError, and InputError with all its faults; then the one before stays.
        """
        self._preferences = read_configuration(configuration, self._service.engine)
        self._log = SessionLog(self._preferences.log_level)
        self._log.write(LogLevel.INFO, "initialized by %r", self.owner)
        return self._preferences.adjustments

    async def send_message(self, request: AIRequest) -> None:
        """Begin to answer. What is wrong with the request is told in a response of state ERROR.

        Raises InputError for an id that cannot be answered under, OverloadedError for too many.
        """
        self._admit(request)
        live = Live(request, version_of(request, self._preferences))
        self._live[request.id] = live
        self._service.owners[live.answer.engine_request_id] = self.owner
        live.task = asyncio.create_task(self._serve(live))
        live.task.add_done_callback(partial(self._over, live))

    async def cancel_request(self, request_id: str) -> bool:
        """Stop a request of this client (of any, for an operator). True if one was stopped."""
        if (live := self._live.get(request_id)) is not None:
            return live.cancel()
        return self.operate and self._service.cancel_anywhere(request_id)

    async def register_listener(self, listener: Listener) -> None:
        """Have every response of this client delivered to `listener`. Twice is once."""
        if listener not in self._listeners:
            self._listeners.append(listener)
        self._heard.set()

    async def unregister_listener(self, listener: Listener) -> None:
        """Deliver nothing more to `listener`."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners:
            self._heard.clear()

    async def has_capability(self, name: str) -> bool:
        """Whether the service can do it now."""
        return await self._service.has_capability(name)

    # what surrounds it --------------------------------------------------------------------

    @property
    def live(self) -> Mapping[str, Live]:
        """The requests that have not had their last response, by the client's ids."""
        return self._live

    async def close(self) -> None:
        """Stop every request and deliver nothing more."""
        tasks = [live.task for live in self._live.values() if live.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listeners.clear()
        self._service.forget(self)

    def _admit(self, request: AIRequest) -> None:
        if not 1 <= len(request.id) <= 128:
            raise InputError("id must have 1 to 128 characters.", field="id")
        if request.id in self._live:
            raise InputError("id belongs to a request that is still running.", field="id")
        limit = self._service.limits.live
        if len(self._live) >= limit:
            raise OverloadedError(f"This client has {limit} requests running: wait for an answer.")

    async def _serve(self, live: Live) -> None:
        """All responses to one request, the last one included."""
        try:
            await self._deliver(live.answer.accepted())
            try:
                last = await self._work(live)
            except RunnerError as error:
                last = self._failed(live, error)
            except Exception as error:  # a fault of ours still ends in one answer, and in the log
                _SERVER_LOG.exception("router request %s failed", live.answer.engine_request_id)
                public = ProcessingError("Something went wrong inside the service; see its log.")
                public.__cause__ = error
                last = self._failed(live, public)
            live.over = True
            await self._deliver(last)
        finally:
            self._over(live)

    def _over(self, live: Live, task: asyncio.Task[None] | None = None) -> None:
        """The last response was delivered, or nobody wants it any more."""
        live.over = True
        if self._live.get(live.asked.id) is live:
            del self._live[live.asked.id]
        self._service.owners.pop(live.answer.engine_request_id, None)

    async def _work(self, live: Live) -> AIResponse:
        with live.watch:
            live.plan = plan = await self._service.planner.plan(
                live.asked, self._preferences, self.owner, live.answer.engine_request_id
            )
        self._log.begins(plan)
        tell = live.answer.event if plan.streaming else _nothing
        async with self._service.engine.stream(plan.request) as live.stream:
            async for event in live.stream:
                if type(event) is Finish:
                    return self._completed(live, event, live.stream.route)
                if (response := tell(event)) is not None:
                    await self._deliver(response)
            raise cut(live.stream.route.delivered)

    def _completed(self, live: Live, finish: Finish, route: Route) -> AIResponse:
        assert live.plan is not None
        assert finish.result is not None
        said = [a for a in finish.result.adjustments if a.field not in live.plan.unasked]
        instance = self._service.engine.instances.get(route.runner)
        ran = (finish.metadata or {}).get(MetadataKey.RUNTIME_BACKEND)
        if ran is None and instance is not None:
            ran = backend_of(instance, self._service.engine)
        told = [*live.plan.adjustments, *said]
        told += elsewhere(self._service.engine, live.plan, told, route.runner, ran)
        more = {
            "requested_runner": live.plan.requested_runner,
            "adjustments": told,
            MetadataKey.RUNTIME_BACKEND: ran,
        }
        response = live.answer.completed(finish, more)
        self._log.ends(response)
        return response

    def _failed(self, live: Live, error: RunnerError) -> AIResponse:
        more: dict[str, Any] = {}
        if live.plan is not None:
            more = {
                "requested_runner": live.plan.requested_runner,
                "adjustments": live.plan.adjustments,
            }
        response = live.answer.failed(error, more)
        self._log.ends(response)
        return response

    async def _deliver(self, response: AIResponse) -> None:
        while not self._listeners:
            await self._heard.wait()
        for listener in tuple(self._listeners):
            try:
                waiting = listener(response)
                if inspect.isawaitable(waiting):
                    await waiting
            except Exception:  # one listener's fault is not another's, nor the request's
                _SERVER_LOG.exception("a listener of the router failed")


def _nothing(event: Any) -> None:
    """What a client hears of an event when it wants only the whole answer."""
