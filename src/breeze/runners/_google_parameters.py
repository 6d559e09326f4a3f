"""What an operator can set on the google runner, and what a request may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import SecretStr, ValidationInfo, field_validator

from breeze.contracts.errors import InputError
from breeze.contracts.fields import Choice, choice, number, secret, switch, text
from breeze.contracts.parameters import Parameters, ValidationResult
from breeze.runners._http_target import Target, header_fields, target_of

BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
_HOST = "generativelanguage.googleapis.com"


class GoogleParameters(Parameters):
    """Which server is asked, and how. The key goes to that server and nowhere else."""

    base_url: str = text(
        BASE_URL,
        "Address of the Gemini API up to and with its version, v1beta or v1",
        title="Base URL",
        category="Connection",
        env="GOOGLE_GEMINI_BASE_URL",
        requires_reload=True,
    )
    api_key: SecretStr = secret(
        "Key for that server; it travels in a header, never in an address",
        title="API key",
        env="GEMINI_API_KEY",
        requires_reload=True,
    )
    headers: str = text(
        "",
        "More headers for every request, one a line, such as “x-team: red”; keys belong in api_key",
        category="Connection",
        requires_reload=True,
    )
    timeout: float = number(
        600.0,
        "Longest time for one whole answer",
        category="Connection",
        low=1,
        high=86_400,
        unit="s",
        requires_reload=True,
    )
    safety: str = choice(
        "auto",
        [
            Choice("auto", "As the model does", "Nothing is said about it"),
            Choice("BLOCK_LOW_AND_ABOVE", "Strict", "What may be harmful is blocked"),
            Choice("BLOCK_MEDIUM_AND_ABOVE", "Medium", "What is probably harmful is blocked"),
            Choice("BLOCK_ONLY_HIGH", "Lenient", "Only what is surely harmful is blocked"),
            Choice("BLOCK_NONE", "None", "Nothing is blocked, where the account may ask so"),
            Choice("OFF", "Off", "The filter is switched off, where the account may ask so"),
        ],
        "How much the vendor's filter blocks: harassment, hate, sexual and dangerous content",
        category="Safety",
    )
    thoughts: bool = switch(
        False,
        "Ask for a summary of the model's thinking",
        title="Show thinking",
        category="Thinking",
        per_request=True,
    )
    effort_as: str = choice(
        "level",
        [
            Choice("level", "Level", "As thinkingLevel, which models since Gemini 3 take"),
            Choice("budget", "Budget", "As thinkingBudget in tokens, for Gemini 2.5"),
        ],
        "How a request's reasoning_effort is said",
        title="Effort as",
        category="Thinking",
    )
    unsigned_calls: str = text(
        "",
        "Signature sent with tool calls that another model made, for models that refuse calls "
        "without one; the vendor's pages name a word for it",
        title="Calls of other models",
        category="Requests",
    )
    fetch_images: str = choice(
        "public",
        [
            Choice("public", "Public", "From public servers"),
            Choice("any", "Any", "From anywhere, your own network too"),
            Choice("off", "Off", "Pictures by URL are refused"),
        ],
        "From where pictures that are named by URL are fetched, to be sent on",
        title="Fetch pictures",
        category="Requests",
    )
    prefill: bool = switch(
        False,
        "The model continues an answer that was begun; many refuse to",
        title="Continues an answer",
        category="Requests",
    )

    @field_validator("base_url", "headers", mode="after")
    @classmethod
    def _usable(cls, value: str, info: ValidationInfo) -> str:
        try:
            target_of(value) if info.field_name == "base_url" else header_fields(value)
        except InputError as error:
            raise ValueError(error.message) from None
        return value

    def cross_check(self) -> Iterator[ValidationResult]:
        key, target = self.key, self.target
        if not (key.isascii() and key.isprintable()):
            yield ValidationResult("api_key", "invalid", "holds characters that no key has")
        elif key and not target.tls and not target.loopback:
            text = f"the key will travel unencrypted to {target.authority}: use https://"
            yield ValidationResult("base_url", "warning", text)

    @property
    def key(self) -> str:
        """The key, without the line break that often comes along; "" when there is none."""
        return self.api_key.get_secret_value().strip()

    @property
    def target(self) -> Target:
        """The server."""
        return target_of(self.base_url)

    @property
    def at_home(self) -> bool:
        """True when the server is the vendor's own."""
        return self.target.host == _HOST

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return {**header_fields(self.headers), **({"x-goog-api-key": self.key} if self.key else {})}

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, should the server say it."""
        return tuple(v for v in (self.key, *header_fields(self.headers).values()) if len(v) >= 4)
