"""What an operator can set on the anthropic runner, and what a request may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from breeze.contracts.dialects.anthropic import NEWEST, Dialect
from breeze.contracts.fields import Choice, choice, integer, secret, switch, text
from breeze.runners._http_target import header_fields
from breeze.runners._vendor_parameters import ChatVendorParameters

BASE_URL = "https://api.anthropic.com"


class AnthropicParameters(ChatVendorParameters):
    """Which server is asked, and how. The key goes to that server and nowhere else."""

    home = "api.anthropic.com"

    base_url: str = text(
        BASE_URL,
        "Address of the server: Anthropic's own, or any that speaks its Messages",
        title="Base URL",
        category="Connection",
        env="ANTHROPIC_BASE_URL",
        requires_reload=True,
    )
    api_key: SecretStr = secret(
        "Key for that server", title="API key", env="ANTHROPIC_API_KEY", requires_reload=True
    )
    key_header: str = choice(
        "authorization",
        [
            Choice("authorization", "Authorization", "As “Bearer” token, as current clients do"),
            Choice("x-api-key", "x-api-key", "As older clients did, and some servers still want"),
        ],
        "Header that carries the key",
        category="Authentication",
        requires_reload=True,
    )
    version: str = text(
        NEWEST,
        "Version of the API; 2023-06-01 is the one before, which still works",
        title="API version",
        category="Requests",
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        requires_reload=True,
    )
    beta: str = text(
        "",
        "Features that are not in general use yet, by their names, with commas between them",
        title="Beta features",
        category="Requests",
        requires_reload=True,
    )
    max_tokens: int = integer(
        8192,
        "Most new tokens of an answer when the request does not say; the vendor wants a number",
        title="Usual limit",
        category="Requests",
        low=1,
        high=1_000_000,
        unit="tokens",
        per_request=True,
    )
    sampling: str = choice(
        "by_version",
        [
            Choice("by_version", "By version", "Sent under versions before 2026-10-21 only"),
            Choice("never", "Never", "For models that refuse them under any version"),
        ],
        "Whether temperature, top_p and top_k are sent; if not, the answer says so",
        category="Requests",
    )
    thinking: str = choice(
        "auto",
        [
            Choice("auto", "As the model does", "Nothing is said about it"),
            Choice("adaptive", "Adaptive", "The model decides how much it thinks"),
            Choice("enabled", "By budget", "Up to thinking_budget tokens; for older models"),
            Choice("disabled", "Off", "No thinking"),
        ],
        "Thinking before the answer",
        category="Thinking",
        per_request=True,
    )
    thinking_budget: int = integer(
        4096,
        "Tokens for thinking when it goes by budget; must be below the limit of new tokens",
        category="Thinking",
        low=1024,
        high=1_000_000,
        unit="tokens",
        per_request=True,
    )
    thinking_display: str = choice(
        "auto",
        [
            Choice("auto", "As the model does", "Nothing is said about it"),
            Choice("summarized", "Summarised", "The thinking can be read in short"),
            Choice("omitted", "Omitted", "Only its signature comes"),
        ],
        "What is shown of the thinking",
        category="Thinking",
        per_request=True,
    )
    cache: str = choice(
        "off",
        [
            Choice("off", "Off", "Nothing is kept"),
            Choice("5m", "5 minutes", "Long beginnings are kept for five minutes"),
            Choice("1h", "1 hour", "Long beginnings are kept for an hour, at a higher price"),
        ],
        "Whether the vendor keeps the beginning of prompts, to read it faster and cheaper again",
        title="Prompt cache",
        category="Requests",
        per_request=True,
    )
    prefill: bool = switch(
        False,
        "The model continues an answer that was begun; newer models refuse to",
        title="Continues an answer",
        category="Requests",
    )

    @property
    def root(self) -> str:
        """The base URL without the /v1 that some write at its end: every path begins with it."""
        return self.base_url.strip().rstrip("/").removesuffix("/v1")

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        key, bearer = self.key, self.key_header == "authorization"
        return {
            **header_fields(self.headers),
            **({self.key_header: f"Bearer {key}" if bearer else key} if key else {}),
            "anthropic-version": self.version,
            **({"anthropic-beta": self.beta} if self.beta else {}),
        }

    def dialect(self) -> Dialect:
        """How requests are to be written."""
        newest = self.version >= NEWEST
        cached = {"type": "ephemeral", "ttl": self.cache} if self.cache != "off" else None
        sampling = self.sampling == "by_version" and not newest
        return Dialect(self.max_tokens, sampling, newest, self._thinking(), cached)

    def _thinking(self) -> dict[str, Any] | None:
        if self.thinking == "auto":
            return None
        found: dict[str, Any] = {"type": self.thinking}
        if self.thinking == "enabled":
            found["budget_tokens"] = self.thinking_budget
        if self.thinking != "disabled" and self.thinking_display != "auto":
            found["display"] = self.thinking_display
        return found
