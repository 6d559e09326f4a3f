"""What runners have in common that ask a server: where it is, and the key that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import SecretStr, ValidationInfo, field_validator

from breeze.contracts.errors import InputError
from breeze.contracts.fields import number
from breeze.contracts.parameters import Parameters, ValidationResult
from breeze.runners._http_target import Target, header_fields, target_of


def answer_time() -> Any:
    """How `timeout` is declared."""
    return number(
        600.0,
        "Longest time for one whole answer",
        category="Connection",
        low=1,
        high=86_400,
        unit="s",
        requires_reload=True,
    )


class ServerParameters(Parameters):
    """Base of such parameters. It declares none, so that each runner says them in its order.

    `home` is the vendor's own host: there, and below it, the key must be given.
    """

    home: ClassVar[str] = ""

    if TYPE_CHECKING:  # what a runner declares
        base_url: str
        api_key: SecretStr
        timeout: float

    @field_validator("base_url", "headers", mode="after", check_fields=False)
    @classmethod
    def _usable(cls, value: str, info: ValidationInfo) -> str:
        try:
            target_of(value) if info.field_name == "base_url" else header_fields(value)
        except InputError as error:
            raise ValueError(error.message) from None
        return value

    def cross_check(self) -> Iterator[ValidationResult]:
        if not (self.key.isascii() and self.key.isprintable()):
            yield ValidationResult("api_key", "invalid", "holds characters that no key has")
        elif self.key and (place := self.in_clear):
            text = f"the key will travel unencrypted to {place}: use https://"
            yield ValidationResult("base_url", "warning", text)

    @property
    def key(self) -> str:
        """The key, without the line break that often comes along; "" when there is none."""
        return self.api_key.get_secret_value().strip()

    @property
    def root(self) -> str:
        """The address that every path is put behind."""
        return self.base_url

    @property
    def target(self) -> Target:
        """The server. Raises InputError when there is none."""
        return target_of(self.root)

    @property
    def in_clear(self) -> str:
        """The server, if what is sent there can be read on the way; "" if not."""
        target = self.target
        return "" if target.tls or target.loopback else target.authority

    @property
    def at_home(self) -> bool:
        """True when the server is the vendor's own."""
        host = self.target.host
        return bool(self.home) and (host == self.home or host.endswith(f".{self.home}"))

    @property
    def missing_key(self) -> str:
        """The usual variable of the key that the server wants and nobody gave; "" if none."""
        return self.facts["api_key"].env if self.at_home and not self.key else ""

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, should the server say it."""
        return (self.key,) if len(self.key) >= 4 else ()
