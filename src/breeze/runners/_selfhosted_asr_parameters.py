"""Where the recogniser is, and how it is asked."""

from __future__ import annotations

from typing import ClassVar

from pydantic import SecretStr

from breeze.contracts.fields import Choice, choice, secret, switch, text
from breeze.runners._own_server_parameters import OwnServerParameters

FORM = "/v1/audio/transcriptions"


class SelfhostedASRParameters(OwnServerParameters):
    """A server for recognition that somebody runs. The key goes there and nowhere else."""

    routes: ClassVar[tuple[str, ...]] = ("/v1", FORM, "/transcribe", "/asr")

    base_url: str = text(
        "",
        "Address of the server, such as http://127.0.0.1:8000, without the route",
        title="Server URL",
        category="Connection",
        requires_reload=True,
    )
    endpoint: str = choice(
        FORM,
        [
            Choice(FORM, "Form", "A form as OpenAI's interface has it: most Whisper servers"),
            Choice("/transcribe", "/transcribe", "The sound as body, the language in the address"),
            Choice("/asr", "/asr", "The same on another route"),
        ],
        "Route that recognises, and so what it is sent",
        category="Connection",
        requires_reload=True,
    )
    api_key: SecretStr = secret(
        "Key for that server; most have none", title="API key", requires_reload=True
    )
    assume_connectivity: bool = switch(
        False,
        "Do not ask /health when it is loaded: for servers that have no such route",
        category="Connection",
    )
    language: str = text(
        "",
        "Language to tell the server in place of the request's, such as zh; auto: it finds out",
        category="Recognition",
        max_length=10,
        per_request=True,
    )
    stream: bool = switch(
        False,
        "Ask for the text while it is recognised, of servers that know how",
        category="Recognition",
    )
