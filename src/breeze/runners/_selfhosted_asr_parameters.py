"""Where the recogniser is, and how it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import SecretStr, field_validator

from breeze.contracts.errors import InputError
from breeze.contracts.fields import Choice, choice, number, secret, switch, text
from breeze.contracts.parameters import Parameters, ValidationResult
from breeze.runners._http_target import Target, target_of

FORM = "/v1/audio/transcriptions"


class SelfhostedASRParameters(Parameters):
    """A server for recognition that somebody runs. The key goes there and nowhere else."""

    base_url: str = text(
        "",
        "Address of the server, such as http://127.0.0.1:8000, without the route",
        title="Server URL",
        category="Connection",
        requires_reload=True,
    )
    endpoint: str = choice(
        FORM,
        [
            Choice(FORM, "Form", "A form as OpenAI's interface has it: most Whisper servers"),
            Choice("/transcribe", "/transcribe", "The sound as body, the language in the address"),
            Choice("/asr", "/asr", "The same on another route"),
        ],
        "Route that recognises, and so what it is sent",
        category="Connection",
        requires_reload=True,
    )
    api_key: SecretStr = secret(
        "Key for that server; most have none", title="API key", requires_reload=True
    )
    timeout: float = number(
        120.0,
        "Longest time for one whole answer",
        category="Connection",
        low=1,
        high=3_600,
        unit="s",
        requires_reload=True,
    )
    assume_connectivity: bool = switch(
        False,
        "Do not ask /health when it is loaded: for servers that have no such route",
        category="Connection",
    )
    language: str = text(
        "",
        "Language to tell the server in place of the request's, such as zh; auto: it finds out",
        category="Recognition",
        max_length=10,
        per_request=True,
    )
    stream: bool = switch(
        False,
        "Ask for the text while it is recognised, of servers that know how",
        category="Recognition",
    )

    @field_validator("base_url", mode="after")
    @classmethod
    def _usable(cls, value: str) -> str:
        try:
            path = target_of(value).path if value.strip() else ""
        except InputError as error:
            raise ValueError(error.message) from None
        if path.endswith(("/v1", FORM, "/transcribe", "/asr")):
            raise ValueError("leave the route out: it is set by endpoint")
        return value

    def cross_check(self) -> Iterator[ValidationResult]:
        if not (self.key.isascii() and self.key.isprintable()):
            yield ValidationResult("api_key", "invalid", "holds characters that no key has")
            return
        target = self.target
        if self.key and target is not None and not target.tls and not target.loopback:
            text = f"the key will travel unencrypted to {target.authority}: use https://"
            yield ValidationResult("base_url", "warning", text)

    @property
    def key(self) -> str:
        """The key, without the line break that often comes along; "" when there is none."""
        return self.api_key.get_secret_value().strip()

    @property
    def target(self) -> Target | None:
        """The server, None when none is set."""
        return target_of(self.base_url) if self.base_url.strip() else None

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}
