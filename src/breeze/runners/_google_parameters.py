"""What an operator can set on the google runner, and what a request may."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from breeze.contracts.fields import Choice, choice, secret, switch, text
from breeze.runners._http_target import header_fields
from breeze.runners._vendor_parameters import ChatVendorParameters

BASE_URL = "https://generativelanguage.googleapis.com/v1beta"


class GoogleParameters(ChatVendorParameters):
    """Which server is asked, and how. The key goes to that server and nowhere else."""

    home = "generativelanguage.googleapis.com"

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

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return {**header_fields(self.headers), **({"x-goog-api-key": self.key} if self.key else {})}
