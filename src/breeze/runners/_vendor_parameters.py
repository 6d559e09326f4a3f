"""What runners of vendors have in common: the vendor's address, which may be another's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from breeze.contracts.fields import secret, text
from breeze.runners._http_target import header_fields
from breeze.runners._server_parameters import ServerParameters, answer_time


class VendorParameters(ServerParameters):
    """Base of a vendor's parameters. `base_url` and `api_key` are declared anew, in its words."""

    base_url: str = text("", "Address of the server", requires_reload=True)
    api_key: SecretStr = secret("Key for that server", requires_reload=True)
    headers: str = text(
        "",
        "More headers for every request, one a line, such as “x-team: red”; keys belong in api_key",
        category="Connection",
        requires_reload=True,
    )
    timeout: float = answer_time()

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return {**header_fields(self.headers), **super().sent_headers()}

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, should the server say it."""
        more = (value for value in header_fields(self.headers).values() if len(value) >= 4)
        return (*super().secrets(), *more)


class ChatVendorParameters(VendorParameters):
    """Base of a vendor's parameters whose models chat. Each declares `prefill`, in its words."""

    if TYPE_CHECKING:  # what a runner declares
        prefill: bool
