"""What an operator can set on the huggingface runner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import SecretStr, field_validator

from breeze.contracts.errors import InputError
from breeze.contracts.fields import Choice, choice, number, secret, switch, text
from breeze.contracts.parameters import Parameters, ValidationResult
from breeze.runners._http_target import Target, target_of

BASE_URL = "https://router.huggingface.co/hf-inference"
_HOST = "huggingface.co"


class HuggingFaceParameters(Parameters):
    """Where models are asked, and with which key. The key goes to that server and nowhere else."""

    base_url: str = text(
        BASE_URL,
        "Address up to what stands before /models, or that of an endpoint of your own",
        title="Base URL",
        category="Connection",
        requires_reload=True,
    )
    api_key: SecretStr = secret(
        "Access token, which begins with hf_; endpoints of your own may need none",
        title="Access token",
        env="HF_TOKEN",
        requires_reload=True,
    )
    bill_to: str = text(
        "",
        "Organisation that pays, by its name there",
        category="Authentication",
        requires_reload=True,
    )
    dedicated: bool = switch(
        False,
        "The address is an endpoint of your own: it serves one model, whose name is left out",
        category="Connection",
        requires_reload=True,
    )
    timeout: float = number(
        120.0,
        "Longest time for one whole answer",
        category="Connection",
        low=1,
        high=86_400,
        unit="s",
        requires_reload=True,
    )
    wait_for_model: bool = switch(
        False,
        "Let the server load a model first, instead of refusing until it has (E502)",
        category="Requests",
        requires_reload=True,
    )
    use_cache: bool = switch(
        True,
        "Let the server answer from its memory what it was asked before",
        category="Requests",
        requires_reload=True,
    )
    timestamps: str = choice(
        "auto",
        [
            Choice("auto", "By model", "For models with “whisper” in their name"),
            Choice("always", "Always", "Models that do not know them refuse"),
            Choice("never", "Never", "The text alone, which every model gives"),
        ],
        "When to ask for the times of what is heard",
        category="Requests",
    )

    @field_validator("base_url", mode="after")
    @classmethod
    def _usable(cls, value: str) -> str:
        try:
            target_of(value)
        except InputError as error:
            raise ValueError(error.message) from None
        return value

    def cross_check(self) -> Iterator[ValidationResult]:
        key, target = self.key, self.target
        if not (key.isascii() and key.isprintable()):
            yield ValidationResult("api_key", "invalid", "holds characters that no token has")
        elif key and self.at_home and not key.startswith("hf_"):
            yield ValidationResult("api_key", "invalid", "is no access token: those begin with hf_")
        elif key and not target.tls and not target.loopback:
            text = f"the token will travel unencrypted to {target.authority}: use https://"
            yield ValidationResult("base_url", "warning", text)

    @property
    def key(self) -> str:
        """The token, without the line break that often comes along; "" when there is none."""
        return self.api_key.get_secret_value().strip()

    @property
    def target(self) -> Target:
        """The server."""
        return target_of(self.base_url)

    @property
    def at_home(self) -> bool:
        """True when the server is the vendor's own."""
        host = self.target.host
        return host == _HOST or host.endswith(f".{_HOST}")

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return {
            "authorization": f"Bearer {self.key}" if self.key else "",
            "x-hf-bill-to": self.bill_to,
            "x-wait-for-model": "true" if self.wait_for_model else "",
            "x-use-cache": "" if self.use_cache else "false",
        }
