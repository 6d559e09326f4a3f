"""How the store reaches the places that models come from, and what it may take of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from breeze.models.hub_address import ENDPOINT
from breeze.models.proxy import Proxies

MIB = 1024 * 1024
_TRUE = {"1", "true", "yes", "on"}


class Token(str):
    """A key that does not show in a `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'" if self else "''"


class StoreSettings(NamedTuple):
    """What a store may do.

    `endpoint` is the hub's address and `token` the key for it, which goes to no other host.
    `offline`: nothing is fetched. `quota`: bytes that all models may take together, 0 for any.
    `reserve`: bytes of the disk that stay free. `parallel`: files of one model that are fetched at
    once. `private_networks`: whether a URL may lead into a private network; the hub always may.
    `tries`: attempts on one address without a byte of progress; `timeout`: seconds of silence;
    `patience`: the longest that a busy server's Retry-After is waited for, in seconds. `proxies`:
    who is asked in the place of a server.
    """

    endpoint: str = ENDPOINT
    token: Token = Token()
    offline: bool = False
    quota: int = 0
    reserve: int = 256 * MIB
    parallel: int = 4
    private_networks: bool = False
    tries: int = 5
    timeout: float = 30.0
    patience: float = 120.0
    proxies: Proxies = Proxies()

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> StoreSettings:
        """As HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE (or BREEZE_OFFLINE), HTTPS_PROXY say."""
        usual = cls()
        offline = environ.get("BREEZE_OFFLINE") or environ.get("HF_HUB_OFFLINE") or ""
        return usual._replace(
            endpoint=(environ.get("HF_ENDPOINT") or usual.endpoint).rstrip("/"),
            token=Token(environ.get("HF_TOKEN", "").strip()),
            offline=offline.strip().lower() in _TRUE,
            proxies=Proxies.from_environ(environ),
        )
