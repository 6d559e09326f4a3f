"""What runners of vendors have in common: where the server is, and the key that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import SecretStr, ValidationInfo, field_validator

from breeze.contracts.errors import InputError
from breeze.contracts.fields import number, secret, text
from breeze.contracts.parameters import Parameters, ValidationResult
from breeze.runners._http_target import Target, header_fields, target_of


class VendorParameters(Parameters):
    """Base of a vendor's parameters. It declares `base_url` and `api_key` anew, in its own words.

    `home` is the vendor's own host: only there the key must be given.
    """

    home: ClassVar[str] = ""

    base_url: str = text("", "Address of the server", requires_reload=True)
    api_key: SecretStr = secret("Key for that server", requires_reload=True)
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
        return self.target.host == self.home

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, should the server say it."""
        return tuple(v for v in (self.key, *header_fields(self.headers).values()) if len(v) >= 4)
