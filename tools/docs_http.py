"""The tables about the server: its routes, the fields that OpenAI's bodies may have, its errors."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from docs_markdown import code, table

from breeze.contracts import errors
from breeze.contracts.dialects.openai_completion_json import CompletionBody
from breeze.contracts.dialects.openai_embedding_json import EmbeddingBody
from breeze.contracts.dialects.openai_form import TranscriptionForm, TranslationForm
from breeze.contracts.dialects.openai_image_json import DrawBreezeJson, ImageBody
from breeze.contracts.dialects.openai_json import Body, BreezeJson
from breeze.contracts.dialects.openai_moderation_json import ModerateBreezeJson, ModerationBody
from breeze.contracts.dialects.openai_speech import SpeechJson
from breeze.contracts.dialects.rerank_json import RerankBody
from breeze.surfaces.http.native import router
from breeze.surfaces.http.problems import openai_error
from breeze.surfaces.http.routes import Role, Route
from breeze.surfaces.http.table import TABLE

BODIES: dict[str, type[msgspec.Struct]] = {
    "chat/completions": Body,
    "completions": CompletionBody,
    "embeddings": EmbeddingBody,
    "rerank": RerankBody,
    "audio/transcriptions": TranscriptionForm,
    "audio/translations": TranslationForm,
    "audio/speech": SpeechJson,
    "images/generations": ImageBody,
    "moderations": ModerationBody,
}
OURS: dict[str, type[msgspec.Struct]] = {
    "images/generations": DrawBreezeJson,
    "moderations": ModerateBreezeJson,
}
IN_THE_FORM = {"audio/transcriptions", "audio/translations"}


def shown(fields: Iterable[str]) -> str:
    return ", ".join(map(code, fields))


def fields_table() -> str:
    """What each of OpenAI's routes knows; the fields of `breeze` that only it has stand apart."""
    common = set(BreezeJson.__struct_fields__)

    def own(name: str) -> str:
        names = OURS.get(name, BreezeJson).__struct_fields__
        return shown(f"breeze.{n}" for n in names if n not in common)

    rows = []
    for name, body in BODIES.items():
        file = ("file",) if name in IN_THE_FORM else ()
        known = (n for n in body.__struct_fields__ if n != "breeze")
        rows.append(
            (code(f"/v1/{name}"), ", ".join(filter(None, (shown((*file, *known)), own(name)))))
        )
    return table("route | fields", rows)


def openai_errors_table() -> str:
    """Our codes as an OpenAI client sees them."""
    rows = []
    for key, kind in errors.CODES.items():
        body = openai_error(kind("x"))["error"]
        rows.append((str(kind.status), code(body["type"]), code(body["code"] or ""), code(key)))
    return table("status | `type` | `code` | ours", sorted(rows))


def routes_table() -> str:
    """Every route with the role it needs."""
    rows = [
        *map(row, TABLE.routes),
        ("WebSocket", code("/v2/router"), role(router.ROLE), "The router contract"),
    ]
    return table("method | path | role | what it does", rows)


def row(route: Route) -> tuple[str, ...]:
    path = route.path.replace(":path", "")
    return route.method, code(path), role(route.role), route.summary


def role(needed: Role) -> str:
    return code(needed.name.lower())
