"""Which way a chat request goes (pictures, then sources, then tools, then plain), and its tools."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec.structs import replace

from breeze.contracts.errors import CapabilityError, InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import FilePart
from breeze.contracts.requests import ChatRequest
from breeze.runners._llama_stack_files import FIELD, wanted
from breeze.runners._llama_stack_parameters import LlamaStackParameters, lines, mcp_of
from breeze.runners._llama_stack_server import Offer

Way = Literal["VLM", "RAG", "AGENT", "LLM"]
_SEARCH = ("/responses", "/files", "/vector_stores", "/vector_stores/{vector_store_id}/files")
_FORCED = {"type": "file_search"}


@dataclass
class Route:
    """Where a request goes. `way` is the first of them that applies; they can be combined.

    `sources` are still unread; `inline`: their text goes into the prompt, as the server cannot
    search files. `tools` are the server's own; `agent`: they may be used.
    """

    way: Way
    request: ChatRequest
    sources: list[str | FilePart] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)
    inline: bool = False
    agent: bool = False
    adjusted: list[Adjusted] = field(default_factory=list)

    @property
    def responses(self) -> bool:
        """Whether the server's own loop does the work, rather than a plain completion."""
        return self.agent or self.searches

    @property
    def searches(self) -> bool:
        """Whether files are searched on the server."""
        return bool(self.sources) and not self.inline

    def forced(self, p: LlamaStackParameters) -> dict[str, Any] | None:
        """The tool that has to be used first."""
        return _FORCED if self.searches and p.rag_search == "always" else None


def route_of(request: ChatRequest, p: LlamaStackParameters, offer: Offer) -> Route:
    """The way of a request. Raises CapabilityError for pictures that are off, InputError."""
    route = Route("LLM", request)
    _pictures(route, p)
    _sources(route, p, offer)
    _agent(route, p, offer)
    return route


def _pictures(route: Route, p: LlamaStackParameters) -> None:
    messages = route.request.messages
    if not any(message.images for message in messages):
        return
    if not p.enable_vision:
        raise CapabilityError("Pictures are switched off here: set enable_vision.")
    if not any(message.text.strip() for message in messages if message.role == "user"):
        raise InputError("A picture needs a question: write some text.", field="messages")
    route.way = "VLM"


def _sources(route: Route, p: LlamaStackParameters, offer: Offer) -> None:
    named = lines(p.rag_sources)
    if not p.enable_rag:
        if named:
            why = "searching sources is switched off: set enable_rag"
            route.adjusted.append(Adjusted(FIELD, named, [], why))
        return
    route.sources = wanted(route.request, p)
    if not route.sources:
        return
    missing = [path for path in _SEARCH if not offer.has(path)]
    route.inline = bool(missing)
    if route.inline:
        why = f"the server has no {', '.join(missing)}"
        used = "their text in the prompt"
        route.adjusted.append(Adjusted(FIELD, "file search on the server", used, why))
    route.way = "RAG" if route.way == "LLM" else route.way
    kept = tuple(
        replace(m, content=tuple(part for part in m.parts if not isinstance(part, FilePart)))
        if not isinstance(m.content, str) else m
        for m in route.request.messages
    )  # fmt: skip
    route.request = replace(route.request, messages=kept)


def _agent(route: Route, p: LlamaStackParameters, offer: Offer) -> None:
    asked, request = lines(p.available_tools), route.request
    if not p.enable_agents:
        if asked:
            why = "agents are switched off: set enable_agents"
            route.adjusted.append(Adjusted("params.available_tools", asked, [], why))
        return
    if not offer.has("/responses"):
        why = "the server has no /responses"
        route.adjusted.append(Adjusted("params.enable_agents", True, False, why))
        return
    route.agent = True
    servers = mcp_of(p.mcp_servers)
    functions = [tool.name for tool in request.tools]
    known = ["file_search", "web_search", *servers, *functions]
    if unknown := [name for name in asked if name not in known]:
        raise InputError(
            f"params.available_tools: no tool is called {', '.join(map(repr, unknown))}. There "
            f"are {', '.join(known)}.",
            field="params.available_tools",
        )
    chosen = asked or [name for name in known if name != "web_search"]
    route.tools = [_mcp(name, url) for name, url in servers.items() if name in chosen]
    if "web_search" in chosen:
        route.tools.append({"type": "web_search"})
    if "file_search" not in chosen and route.searches:
        why = "available_tools leaves file_search out"
        route.adjusted.append(Adjusted(FIELD, len(route.sources), 0, why))
        route.sources = []
    kept = tuple(tool for tool in request.tools if tool.name in chosen)
    route.request = replace(request, tools=kept)
    if route.way == "LLM" or (route.way == "RAG" and not route.sources):
        route.way = "AGENT"


def _mcp(name: str, url: str) -> dict[str, Any]:
    """A tool server of the operator's, which is trusted to be called without asking."""
    return {"type": "mcp", "server_label": name, "server_url": url, "require_approval": "never"}
