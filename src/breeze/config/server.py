"""What config.json may say under `globalSettings.server`: where to listen, and for whom."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, StrictInt, StrictStr, model_validator

from breeze.config.names import check_key
from breeze.config.section import Positive, Seconds, Section, Text

KeyName = Annotated[StrictStr, AfterValidator(check_key)]
RoleName = Literal["use", "operate"]
LogLevel = Literal["critical", "error", "warning", "info", "debug"]


def _not_blank(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text.strip():
        raise ValueError("is empty: an empty key would let everybody in")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("has signs that no header can carry: use letters, digits and signs")
    return secret


class ApiKey(Section):
    """A key that is kept in the configuration; `breeze keys add` makes better ones."""

    name: KeyName = Field(description="who it belongs to; shown in logs")
    key: Annotated[SecretStr, AfterValidator(_not_blank)] = Field(
        description="the key itself, in clear"
    )
    role: RoleName = Field("use", description="what it may do; operate includes use")


class LimitSettings(Section):
    """What is refused before it is parsed."""

    body_mib: Positive = Field(32, description="longest JSON body, in MiB")
    head_kib: Positive = Field(64, description="longest head of a request, in KiB")
    head_seconds: Annotated[Seconds, Field(gt=0)] = Field(
        30.0, description="longest wait for the head of a request"
    )
    body_seconds: Annotated[Seconds, Field(gt=0)] = Field(
        20.0, description="time in which a body must bring 4 KiB, or its end"
    )


class ServerSettings(Section):
    """How the engine is served. The options of `breeze serve` count more."""

    host: Text = Field(
        "127.0.0.1", description="address to listen on; others than loopback need a key"
    )
    port: Annotated[StrictInt, Field(ge=0, le=65535)] = Field(
        8765, description="TCP port; 0 takes a free one"
    )
    uds: Text | None = Field(None, description="path of a Unix socket to listen on instead")
    workers: Positive = Field(1, description="processes that share the port")
    tls_cert: Text | None = Field(None, description="file of the TLS certificate chain, PEM")
    tls_key: Text | None = Field(None, description="file of its private key, PEM")
    api_keys: tuple[ApiKey, ...] = Field(
        (), repr=False, description="keys beside those of `breeze keys`"
    )
    allowed_hosts: tuple[Text, ...] = Field(
        (), description="names in Host that are answered, beside this machine's own"
    )
    allowed_origins: tuple[Text, ...] = Field(
        (), description="web pages that may call, such as `https://chat.example`"
    )
    shutdown_limit_seconds: Seconds = Field(
        30.0, description="how long live requests may go on after the stop"
    )
    access_log: Text = Field("off", description="a file, `-` for standard output, or `off`")
    log_level: LogLevel = Field("warning", description="least weight of what is logged")
    limits: LimitSettings = LimitSettings()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tlsCert and tlsKey go together: give both or none")
        names = [key.name for key in self.api_keys]
        if len(set(names)) < len(names):
            raise ValueError("two entries of apiKeys have the same name: rename one")
        return self
