"""What runners have in common whose server is one that somebody runs: it has no usual address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import SecretStr, field_validator

from breeze.contracts.errors import InputError
from breeze.contracts.fields import number, secret, text
from breeze.contracts.parameters import Parameters, ValidationResult
from breeze.runners._http_target import Target, target_of


class OwnServerParameters(Parameters):
    """Base of such parameters. `base_url` and `api_key` are declared anew, in the runner's words.

    `routes`: what must not stand at the end of the address, because the runner adds it.
    """

    routes: ClassVar[tuple[str, ...]] = ()

    base_url: str = text("", "Address of the server", requires_reload=True)
    api_key: SecretStr = secret("Key for that server", requires_reload=True)
    timeout: float = number(
        600.0,
        "Longest time for one whole answer",
        category="Connection",
        low=1,
        high=86_400,
        unit="s",
        requires_reload=True,
    )

    @field_validator("base_url", mode="after")
    @classmethod
    def _usable(cls, value: str) -> str:
        try:
            path = target_of(value).path if value.strip() else ""
        except InputError as error:
            raise ValueError(error.message) from None
        if cls.routes and path.endswith(cls.routes):
            raise ValueError("leave the route out: give the address of the server itself")
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
