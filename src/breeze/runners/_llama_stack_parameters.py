"""What an operator can set on the llama_stack runner, and the little that a caller may change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationInfo, field_validator, model_validator

from breeze.contracts.errors import InputError
from breeze.contracts.fields import Choice, choice, integer, number, path, secret, switch, text
from breeze.contracts.parameters import ValidationResult
from breeze.runners._http_target import target_of
from breeze.runners._server_parameters import ServerParameters, answer_time

ENDPOINT = "https://api.llamastack.ai"
MODEL = "llama-3-70b-instruct"
_PREFIXES = ("/v1/openai/v1", "/v1")
"""Ends of an address that are ours to add."""
PRESETS: dict[str, dict[str, Any]] = {
    "none": {},
    "production": {"endpoint": ENDPOINT, "model_id": MODEL},
    "development": {"endpoint": "http://localhost:8080", "model_id": "llama-3-8b-instruct"},
    "vision": {
        "endpoint": ENDPOINT,
        "model_id": "llama-3-90b-vision-instruct",
        "enable_vision": True,
    },
}
"""What each preset sets, unless it is given."""


class LlamaStackParameters(ServerParameters):
    """Which server is asked, and which of its abilities are used."""

    home = "api.llamastack.ai"

    preset: str = choice(
        "none",
        [
            Choice("none", "None", "Nothing but the defaults"),
            Choice("production", "Production", "The vendor's endpoint with its 70B model"),
            Choice("development", "Development", "A server on port 8080 here, with an 8B model"),
            Choice("vision", "Vision", "The vendor's endpoint with a model that sees pictures"),
        ],
        "Values for the endpoint, the model and pictures, where these are not given",
        category="Connection",
        informational=True,  # it speaks through the parameters that it sets
    )
    endpoint: str = text(
        ENDPOINT,
        "Address of the server; http:// only on this machine, https:// everywhere else",
        category="Connection",
        env="LLAMA_STACK_CLIENT_BASE_URL",
        requires_reload=True,
    )
    api_key: SecretStr = secret(
        "Key for that server; a server on this machine mostly needs none",
        title="API key",
        env="LLAMA_STACK_CLIENT_API_KEY",
        requires_reload=True,
    )
    timeout: float = answer_time()
    model_id: str = text(
        MODEL,
        "Model to ask when a request names none; the default gives way to the only one listed",
        title="Model",
        category="Generation",
    )
    temperature: float = number(
        0.7, "Randomness of answers, when a request says nothing", category="Generation",
        low=0, high=2, step=0.1, precision=1, per_request=True,
    )  # fmt: skip
    max_tokens: int = integer(
        4096, "Most new tokens of an answer, when a request says nothing", category="Generation",
        low=1, high=1_000_000, unit="tokens", per_request=True,
    )  # fmt: skip
    embedding_model: str = text(
        "", "Model for embeddings and file search; empty: the server's only one, or its default",
        category="Generation",
    )  # fmt: skip
    guardian_model: str = text(
        "", "Shield or moderation model that judges texts; empty: the first one listed",
        category="Generation",
    )  # fmt: skip
    enable_vision: bool = switch(False, "Answer questions about pictures", category="Abilities")
    enable_rag: bool = switch(
        False, "Search rag_sources and attached files, on the server, before answering",
        title="Enable RAG", category="Abilities",
    )  # fmt: skip
    enable_agents: bool = switch(
        False, "Let the model use the server's tools, several times if need be",
        category="Abilities",
    )  # fmt: skip
    rag_folder: Path | None = path(
        None, "Folder of the files that rag_sources may name; without it only web addresses",
        title="RAG folder", category="RAG", directory=True,
    )  # fmt: skip
    rag_sources: str = text(
        "", "What to search: names of files in rag_folder or https:// addresses, one a line",
        title="RAG sources", category="RAG", max_length=16_384, per_request=True,
    )  # fmt: skip
    rag_search: str = choice(
        "always",
        [
            Choice(
                "always", "Always", "The model has to search first, where the server can say so"
            ),
            Choice("auto", "As needed", "The model decides whether it searches"),
        ],
        "Whether a question about sources is always looked up",
        title="RAG search",
        category="RAG",
        per_request=True,
    )
    rag_results: int = integer(
        5, "Passages that a search gives the model", title="RAG results", category="RAG",
        low=1, high=50, per_request=True,
    )  # fmt: skip
    rag_kept: int = integer(
        64, "Sources kept on the server until unload; beyond, the least used go",
        title="RAG sources kept", category="RAG", low=1, high=10_000,
    )  # fmt: skip
    available_tools: str = text(
        "", "Tools of agents, one a line: file_search, web_search, names of mcp_servers or of the "
        "request's functions; empty: all but web_search",
        category="Agents", max_length=4096, per_request=True,
    )  # fmt: skip
    mcp_servers: str = text(
        "", "Tool servers that the server may call, one “name: https://address” a line",
        title="MCP servers", category="Agents",
    )  # fmt: skip
    max_rounds: int = integer(
        10, "Times that an agent may think and call tools for one answer", category="Agents",
        low=1, high=100, per_request=True,
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, values: Any) -> Any:
        name = values.get("preset", "none") if isinstance(values, Mapping) else "none"
        return {**PRESETS.get(name, {}), **values} if isinstance(name, str) else values

    @field_validator("rag_sources", "available_tools", mode="before")
    @classmethod
    def _one_a_line(cls, value: Any) -> Any:
        listed = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
        return "\n".join(value) if listed else value

    @field_validator("endpoint", "mcp_servers", mode="after")
    @classmethod
    def _usable(cls, value: str, info: ValidationInfo) -> str:
        try:
            target_of(value) if info.field_name == "endpoint" else mcp_of(value)
        except InputError as error:
            raise ValueError(error.message.removeprefix("base_url ")) from None
        return value

    def cross_check(self) -> Iterator[ValidationResult]:
        target, key = self.target, self.key
        if not target.tls and not target.loopback:
            why = f"{target.authority} is not this machine: use https:// for it"
            yield ValidationResult("endpoint", "invalid", why)
        elif not (key or target.loopback or self.at_home):
            yield ValidationResult("api_key", "warning", f"{target.authority} may want a key")
        if not (key.isascii() and key.isprintable()):
            yield ValidationResult("api_key", "invalid", "holds characters that no key has")
        named = [source for source in lines(self.rag_sources) if not is_address(source)]
        if self.enable_rag and named and not self.rag_folder:
            why = "names files: set rag_folder to the folder where they are"
            yield ValidationResult("rag_sources", "warning", why)

    @property
    def root(self) -> str:
        """The address without the part of its path that depends on the server's version."""
        root = self.endpoint.strip().rstrip("/")
        return next((root.removesuffix(p) for p in _PREFIXES if root.endswith(p)), root)

    @property
    def chosen_model(self) -> str:
        """The model that somebody chose; "" when it is but the default."""
        return self.model_id if "model_id" in self.model_fields_set else ""


def lines(value: str) -> list[str]:
    """The entries of a list that is written one a line."""
    return list(dict.fromkeys(filter(None, map(str.strip, value.splitlines()))))


def is_address(source: str) -> bool:
    """Whether a source is on the web."""
    return source.startswith(("https://", "http://"))


def mcp_of(value: str) -> dict[str, str]:
    """Tool servers by name. Raises InputError for a line that is none."""
    found = {}
    for line in lines(value):
        name, _, url = (part.strip() for part in line.partition(":"))
        if not name.isidentifier() or not is_address(url):
            raise InputError(f"{line!r}: write “name: https://address”.", field="mcp_servers")
        found[name] = url
    return found
