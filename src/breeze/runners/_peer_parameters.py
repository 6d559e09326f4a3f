"""Which server a peer is, and how it is asked. Nothing of it is a caller's to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import SecretStr

from breeze.contracts.fields import integer, secret, text
from breeze.runners._own_server_parameters import OwnServerParameters


class PeerParameters(OwnServerParameters):
    """The other server. The key goes there and nowhere else."""

    routes: ClassVar[tuple[str, ...]] = ("/v1", "/v2")

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
    hops: int = integer(
        3,
        "Servers that a request may pass, so that two that name each other end in an error",
        category="Connection",
        low=1,
        high=16,
    )

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return {"accept": "application/x-ndjson", **super().sent_headers()}
