"""What runners have in common whose server is one that somebody runs: it has no usual address."""

from __future__ import annotations

from typing import ClassVar

from pydantic import SecretStr, ValidationInfo, field_validator

from breeze.contracts.errors import InputError
from breeze.contracts.fields import secret, text
from breeze.runners._http_target import target_of
from breeze.runners._server_parameters import ServerParameters, answer_time


class OwnServerParameters(ServerParameters):
    """Base of such parameters. `base_url` and `api_key` are declared anew, in the runner's words.

    `routes`: what must not stand at the end of the address, because the runner adds it.
    """

    routes: ClassVar[tuple[str, ...]] = ()

    base_url: str = text("", "Address of the server", requires_reload=True)
    api_key: SecretStr = secret("Key for that server", requires_reload=True)
    timeout: float = answer_time()

    @field_validator("base_url", mode="after")
    @classmethod
    def _usable(cls, value: str, info: ValidationInfo) -> str:
        try:
            path = target_of(value).path if value.strip() else ""
        except InputError as error:
            raise ValueError(error.message) from None
        if cls.routes and path.endswith(cls.routes):
            raise ValueError("leave the route out: give the address of the server itself")
        return value

    @property
    def is_set(self) -> bool:
        """True once somebody said where the server is."""
        return bool(self.base_url.strip())

    @property
    def in_clear(self) -> str:
        """The server, if what is sent there can be read on the way; "" if not, or none is set."""
        return super().in_clear if self.is_set else ""

    @property
    def missing_key(self) -> str:
        """None ever: whether such a server wants a key is known to whoever runs it."""
        return ""
