"""Which server a peer is, and how it is asked. Nothing of it is a caller's to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import SecretStr, field_validator

from breeze.contracts.errors import InputError
from breeze.contracts.fields import integer, number, secret, text
from breeze.contracts.parameters import Parameters, ValidationResult
from breeze.runners._http_target import Target, target_of


class PeerParameters(Parameters):
    """The other server. The key goes there and nowhere else."""

    base_url: str = text(
        "",
        "Address of the other Breeze server, such as https://gpu.example:8765, without /v1 or /v2",
        title="Base URL",
        category="Connection",
        requires_reload=True,
    )
    api_key: SecretStr = secret(
        "Key of that server, as `breeze keys add` prints it there; none where it asks for none",
        title="API key",
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
    hops: int = integer(
        3,
        "Servers that a request may pass, so that two that name each other end in an error",
        category="Connection",
        low=1,
        high=16,
    )

    @field_validator("base_url", mode="after")
    @classmethod
    def _usable(cls, value: str) -> str:
        try:
            path = target_of(value).path if value.strip() else ""
        except InputError as error:
            raise ValueError(error.message) from None
        if path.endswith(("/v1", "/v2")):
            raise ValueError(f"leave {path[-3:]} out: give the address of the server itself")
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
        lines = {"accept": "application/x-ndjson"}
        return {**lines, "authorization": f"Bearer {self.key}"} if self.key else lines
