"""What is to be served, where and for whom: settings that fit together, checked at the start."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breeze.config.findings import problems, refusal
from breeze.config.home import Home
from breeze.config.model import EngineConfig
from breeze.config.reader import ConfigFile
from breeze.config.server import ServerSettings
from breeze.contracts.errors import InputError
from breeze.service.authentication import Authentication
from breeze.service.keys import KeyFile
from breeze.surfaces.http.hosts import authority, is_loopback
from breeze.surfaces.http.listening import Address, address_of


@dataclass(frozen=True)
class Plan:
    """Everything that a worker has to know. `config`: the file, whether or not it is there.

    `record`: the folder for recordings, if there are to be any.
    """

    home: Home
    config: Path
    settings: ServerSettings
    address: Address
    record: Path | None = None

    @property
    def host(self) -> str:
        """The address to listen on, empty for a Unix socket."""
        return "" if self.settings.uds else self.settings.host

    @property
    def secure(self) -> bool:
        return self.settings.tls_cert is not None

    def url(self, port: int) -> str:
        """Where the server is found, once its port is known."""
        if self.settings.uds:
            return f"unix:{self.address.place}"
        scheme = "https" if self.secure else "http"
        return f"{scheme}://{authority(self.settings.host)}:{port}"

    def authentication(self) -> Authentication:
        """Who may call. Raises InputError when the keys cannot be read."""
        return Authentication(KeyFile(self.home), self.settings.api_keys)


def plan(home: Home, file: ConfigFile, options: Mapping[str, Any]) -> Plan:
    """What `file` and, above it, the command line's `options` (by their camelCase names) ask for.

    Raises InputError for what does not fit together, such as a public address without a key.
    """
    settings = _with(file.config, options)
    address = address_of(settings)
    made = Plan(home, file.path or home.config, settings, address)
    if settings.tls_cert is not None and settings.tls_key is not None:
        _check_tls(settings.tls_cert, settings.tls_key)
    if not made.authentication().needed and not _is_private(settings, address):
        raise InputError(
            f"{settings.host} can be reached by others, so a key is needed: run "
            "`breeze keys add NAME` first, or listen on 127.0.0.1.",
            field="host",
        )
    return made


def _with(config: EngineConfig, options: Mapping[str, Any]) -> ServerSettings:
    """The settings with those of the command line in their place."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    found = config.global_settings.server
    if not given:
        return found
    names = {field.alias or name: name for name, field in ServerSettings.model_fields.items()}
    kept = {alias: getattr(found, name) for alias, name in names.items() if alias not in given}
    if "host" in given or "port" in given:
        kept["uds"] = None  # a person who asks for a port does not mean the socket of the file
    if wrong := problems(ServerSettings, kept | given):
        raise refusal("The command line", [(p.path, p.message) for p in wrong])
    return ServerSettings.model_validate(kept | given, by_alias=True)


def _is_private(settings: ServerSettings, address: Address) -> bool:
    return bool(settings.uds) or is_loopback(str(address.place[0]))


def _check_tls(cert: str, key: str) -> None:
    """Fail now and clearly, not when the first client comes."""
    for field, name in (("tlsCert", cert), ("tlsKey", key)):
        try:
            with Path(name).open("rb"):
                pass
        except OSError as error:
            raise InputError(f"{name} cannot be read: {error.strerror}.", field=field) from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise InputError(
            f"{cert} and {key} are no certificate and key that fit together ({error}): give two "
            "PEM files, the key without a password.",
            field="tlsCert",
        ) from error


def _no_password() -> str:
    raise ValueError("the key has a password")
