"""What makes a stand-in speak as one vendor does."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from breeze.testing.standins._call import Call, decoded
from breeze.testing.standins._fault import Fault
from breeze.testing.standins._reply import Reply, event
from breeze.testing.standins.faults import FAULTS

Handler = Callable[[Call], Awaitable[Reply]]

_STATUS = {
    "authentication": 401, "permission": 403, "quota": 429, "rate_limit": 429,
    "invalid_input": 400, "context": 400, "not_found": 404, "timeout": 408,
    "model_not_loaded": 503, "content_blocked": 400, "overloaded": 503,
}  # fmt: skip


class Dialect:
    """What a subclass says about itself: its routes, its words for what goes wrong."""

    name: ClassVar[str]
    prefix: ClassVar[str] = "/v1"
    """What a client's base URL ends with; routes begin behind it."""
    profiles: ClassVar[tuple[str, ...]] = ()
    own_faults: ClassVar[tuple[Fault, ...]] = ()
    """Faults of this dialect beside those of all."""
    capability: ClassVar[str] = "LLM"
    """What a client is most likely to be tried with, and the runner that speaks this dialect is
    configured for by `config`."""
    address: ClassVar[str] = "base_url"
    """That runner's parameter for the server."""
    terminal: ClassVar[bytes] = b"data: [DONE]"
    """How the mark begins that ends a stream after its last event."""

    profile: str
    key: str

    @property
    def base(self) -> str:
        """What a client's base URL ends with."""
        return self.prefix

    def routes(self) -> Mapping[str, Handler]:
        """Handlers by method and path, such as `GET /models/{name}`; `{name...}` takes slashes."""
        return {}

    def refusal(self, kind: str, call: Call) -> Reply:
        """How the vendor refuses. Kinds: authentication permission quota rate_limit invalid_input
        context not_found timeout network model_not_loaded content_blocked overloaded internal."""
        status = _STATUS.get(kind, 500)
        return Reply.json({"error": {"message": f"{kind} (stand-in)", "type": kind}}, status)

    def told_to_wait(self, wait: str, call: Call) -> Reply:
        """How the vendor refuses when asked too often, and tells to come again after `wait`
        seconds, which may be no number at all."""
        return self.refusal("rate_limit", call).having(retry_after=wait)

    def broken(self, kind: str, call: Call) -> bytes:
        """How the vendor says amid a stream that it failed, framed as a piece."""
        return event({"error": {"message": f"{kind} (stand-in)", "type": kind}})

    def authorised(self, call: Call) -> bool:
        """Whether the request carries the right key."""
        return call.headers.get("authorization") == f"Bearer {self.key}"

    def unknown_route(self, call: Call) -> Reply:
        """The answer on a path that is not served."""
        return self.refusal("not_found", call)

    def config(self, url: str) -> dict[str, Any]:
        """What to write into config.json so that the runner of this dialect asks the stand-in."""
        parameters = {self.address: url} | ({"api_key": self.key} if self.key else {})
        instance: dict[str, Any] = {"class": self.runner, "parameters": parameters}
        if model := self.usual_model():
            instance["modelId"] = model
        return {"capabilities": {self.capability: {"runners": {"rehearsal": instance}}}}

    def introduction(self, url: str) -> str:
        """A line that says how to use it at `url`."""
        return f"config.json: {json.dumps(self.config(url))}"

    @property
    def runner(self) -> str:
        """Who asks such a server, as `class` in config.json."""
        return self.name

    def usual_model(self) -> str:
        """A model that it lists; "" when it lists none."""
        return ""

    def model(self, call: Call) -> str:
        """The model that a request asks for."""
        asked = call.object.get("model") or call.match.get("model") or call.value("model")
        return asked if isinstance(asked, str) else ""

    @classmethod
    def all_faults(cls) -> tuple[Fault, ...]:
        """Every fault that this stand-in plays; its own replace those of all of the same name."""
        own = {fault.name for fault in cls.own_faults}
        return (*(f for f in FAULTS if f.name not in own), *cls.own_faults)

    def handler(self, call: Call) -> Handler | None:
        """Who answers the request; None when the route is not served."""
        for route, handler in self.routes().items():
            method, _, pattern = route.partition(" ")
            found = _pattern(self.base + pattern).fullmatch(call.path)
            if found and method == (call.method if call.method != "HEAD" else "GET"):
                call.match = {name: decoded(value) for name, value in found.groupdict().items()}
                return handler
        return None


def _pattern(route: str) -> re.Pattern[str]:
    """Compiled once by `re` itself, which keeps the last few hundred."""
    escaped = re.escape(route).replace(r"\{", "{").replace(r"\}", "}").replace(r"\.\.\.", "...")
    return re.compile(
        re.sub(r"\{(\w+)(\.\.\.)?\}", lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", escaped)
    )
