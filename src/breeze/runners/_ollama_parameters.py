"""What the runner `ollama` can be told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from pydantic import SecretStr, ValidationInfo, field_validator

from breeze.contracts.errors import InputError
from breeze.contracts.fields import Choice, choice, integer, number, secret, switch, text
from breeze.contracts.parameters import ValidationResult
from breeze.runners._http_target import header_fields, target_of
from breeze.runners._ollama_host import CLOUD, PORT, server_url
from breeze.runners._vendor_parameters import VendorParameters

_DURATION = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)?"
                       r"(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))*")  # fmt: skip
_ANOTHER_PROTOCOL = ("/v1", "/api")
"""Ends of paths that belong to a request, not to the address of the server."""


class OllamaParameters(VendorParameters):
    """Which server is asked, how it keeps its models, and how they answer.

    What loads a model anew for everybody is the operator's to say.
    """

    home = CLOUD

    base_url: str = text(
        f"http://127.0.0.1:{PORT}",
        "Address of the server, as OLLAMA_HOST has it: a host, a port, or a whole URL",
        title="Base URL",
        category="Connection",
        env="OLLAMA_HOST",
        requires_reload=True,
    )
    api_key: SecretStr = secret(
        "Key for the vendor's own service or for a proxy; a server of your own needs none",
        title="API key",
        env="OLLAMA_API_KEY",
        requires_reload=True,
    )
    think: str = choice(
        "auto",
        [
            Choice("auto", "As the model does"),
            Choice("off", "Never"),
            Choice("on", "Always"),
            Choice("low", "A little"),
            Choice("medium", "Some"),
            Choice("high", "Much"),
        ],
        "How much a model that can think does so before it answers",
        category="Answers",
        per_request=True,
    )
    min_p: float | None = number(
        None,
        "Least probability of a token, relative to the most likely one",
        low=0,
        high=1,
        step=0.01,
        precision=2,
        title="Min p",
        category="Answers",
        per_request=True,
    )
    repeat_penalty: float | None = number(
        None,
        "How much repeating is made unlikely; 1 is not at all",
        low=0,
        high=10,
        step=0.05,
        precision=2,
        category="Answers",
        per_request=True,
    )
    repeat_last_n: int | None = integer(
        None,
        "Tokens that are looked back on for repetitions; 0 none, -1 the whole context",
        low=-1,
        high=1_000_000,
        category="Answers",
        per_request=True,
    )
    prefill: bool = switch(
        False,
        "The server continues an assistant message that ends the conversation, as the templates "
        "of many models do. On only where that is so: then a broken answer is continued by it",
        category="Answers",
        informational=True,
    )
    keep_alive: str = text(
        "",
        "How long the server keeps a model after an answer: such as 5m, or seconds; 0 not at all, "
        "-1 for ever; empty as the server is set",
        category="Model",
    )
    num_ctx: int | None = integer(
        None, "Tokens of context to load models with", low=1, high=100_000_000,
        title="Context", unit="tokens", category="Model",
    )  # fmt: skip
    num_gpu: int | None = integer(
        None, "Layers on the graphics card", low=-1, high=10_000,
        title="GPU layers", category="Model",
    )  # fmt: skip
    num_thread: int | None = integer(
        None, "Threads of the server for one model", low=1, high=1024,
        title="Threads", category="Model",
    )  # fmt: skip
    options: str = text(
        "",
        'More options of the server, as a JSON object, such as {"mirostat": 2}',
        category="Model",
    )
    truncate: bool = switch(
        False,
        "Cut what is too long for the model instead of refusing it. The beginning of a "
        "conversation, or the end of a text to embed, is then lost without a word",
        category="Model",
    )
    pull: bool = switch(
        False,
        "Fetch a model that the server does not have when one is asked for. Models are large",
        title="Pull missing models",
        category="Model",
    )
    fetch_images: str = choice(
        "public",
        [
            Choice("off", "Never", "Pictures must come as bytes"),
            Choice("public", "From public addresses", "On the usual ports, over HTTP or HTTPS"),
            Choice("any", "From everywhere", "Also from this machine and the network around it"),
        ],
        "Whether pictures are fetched that a request names by URL, as the server takes bytes only",
        category="Requests",
    )

    @field_validator("base_url", "headers", mode="after")
    @classmethod
    def _usable(cls, value: str, info: ValidationInfo) -> str:
        try:
            if info.field_name == "base_url":
                value = server_url(value)
                target_of(value)
            else:
                header_fields(value)
        except InputError as error:
            raise ValueError(error.message) from None
        return value

    @field_validator("keep_alive", "options", mode="after")
    @classmethod
    def _readable(cls, value: str, info: ValidationInfo) -> str:
        if info.field_name == "options":
            _options(value)
        elif value.strip() and not _DURATION.fullmatch(value.strip()):
            raise ValueError(f"{value!r} is no duration: write 5m, 1h30m, or a number of seconds")
        return value

    def cross_check(self) -> Iterator[ValidationResult]:
        yield from super().cross_check()
        if self.target.path.endswith(_ANOTHER_PROTOCOL):
            said = f"leave {self.target.path} out: this runner speaks the server's own protocol"
            yield ValidationResult("base_url", "warning", said)

    def keeping(self) -> dict[str, Any]:
        """`keep_alive` as it is sent: seconds as a number, a duration as text, or nothing."""
        said = self.keep_alive.strip()
        if not said:
            return {}
        try:
            seconds = float(said)
        except ValueError:
            return {"keep_alive": said}
        return {"keep_alive": int(seconds) if seconds.is_integer() else seconds}

    def loading(self) -> dict[str, Any]:
        """Options that decide how a model is loaded, and the operator's further ones."""
        given = {"num_ctx": self.num_ctx, "num_gpu": self.num_gpu, "num_thread": self.num_thread}
        return {**_options(self.options), **{n: v for n, v in given.items() if v is not None}}

    def sampling(self) -> dict[str, Any]:
        """Options that a request has no field for."""
        given = {
            "min_p": self.min_p,
            "repeat_penalty": self.repeat_penalty,
            "repeat_last_n": self.repeat_last_n,
        }
        return {name: value for name, value in given.items() if value is not None}


def _options(said: str) -> dict[str, Any]:
    if not said.strip():
        return {}
    try:
        found: dict[str, Any] = msgspec.json.decode(said, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ValueError(f"is no JSON object: {error}") from None
    return found
