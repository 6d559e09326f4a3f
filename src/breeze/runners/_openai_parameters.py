"""What an operator can set on the openai runner. Nothing of it is a caller's to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from breeze.contracts.capability import Capability
from breeze.contracts.fields import Choice, choice, secret, text
from breeze.contracts.parameters import ValidationResult
from breeze.runners._http_target import header_fields, target_of
from breeze.runners._openai_wishes import CONSERVATIVE, Wishes
from breeze.runners._vendor_parameters import VendorParameters

BASE_URL = "https://api.openai.com/v1"
_KEYS_BEGIN = "sk-"


class OpenAIParameters(Wishes, VendorParameters):
    """Which server is asked, and how. The key goes to that server and nowhere else."""

    home = "api.openai.com"

    base_url: str = text(
        BASE_URL,
        "Address of the server up to and with /v1: OpenAI's own, or any that speaks its protocol",
        title="Base URL",
        category="Connection",
        env="OPENAI_BASE_URL",
        requires_reload=True,
    )
    api_key: SecretStr = secret(
        "Key for that server; OpenAI's own needs one, many others do not",
        title="API key",
        env="OPENAI_API_KEY",
        requires_reload=True,
    )
    key_header: str = choice(
        "authorization",
        [
            Choice("authorization", "Authorization", "As “Bearer” token, which most servers want"),
            Choice("api-key", "api-key", "As some cloud platforms want it"),
            Choice("x-api-key", "x-api-key", "As some gateways want it"),
        ],
        "Header that carries the key",
        category="Authentication",
        requires_reload=True,
    )
    organization: str = text(
        "",
        "Organisation to bill, by its id; sent to OpenAI's own servers only",
        category="Authentication",
        env="OPENAI_ORG_ID",
        requires_reload=True,
    )
    project: str = text(
        "",
        "Project to bill, by its id; sent to OpenAI's own servers only",
        category="Authentication",
        env="OPENAI_PROJECT_ID",
        requires_reload=True,
    )

    def cross_check(self) -> Iterator[ValidationResult]:
        yield from super().cross_check()
        if self.key and self.at_home and not self.key.startswith(_KEYS_BEGIN):
            text = f"keys of {self.home} begin with {_KEYS_BEGIN}: is this one for another server?"
            yield ValidationResult("api_key", "warning", text)

    @property
    def missing_key(self) -> str:
        """The usual variable of the key that is missing: for the vendor's own host; "" if none."""
        facts = self.facts
        own = target_of(facts["base_url"].default)
        there = self.at_home or (self.target.host == own.host and not own.loopback)
        return facts["api_key"].env if there and not self.key else ""

    def does(self) -> tuple[Capability, ...]:
        """What the server does, as far as is known."""
        if self.capabilities:
            return tuple(map(Capability, self.capabilities))
        return tuple(Capability) if self.at_home else CONSERVATIVE

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        key, bearer = self.key, self.key_header == "authorization"
        billed = {"openai-organization": self.organization, "openai-project": self.project}
        return {
            **header_fields(self.headers),
            **self._extra_headers(),
            **({self.key_header: f"Bearer {key}" if bearer else key} if key else {}),
            **(billed if self.at_home else {}),
        }

    def _extra_headers(self) -> dict[str, str]:
        """Those that a row's own parameters give."""
        places = (
            (name, place) for name, place in self.extra.items() if place.startswith("header:")
        )
        found = {place.removeprefix("header:").lower(): getattr(self, n) for n, place in places}
        return {name: value for name, value in found.items() if value}
