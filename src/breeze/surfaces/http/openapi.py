"""GET /openapi.json: every route as OpenAPI 3.1, made from the table and our types."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from breeze.contracts.values import ErrorInfo
from breeze.service.access import Role
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.operations import ANY, OPERATIONS, Operation
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Route
from breeze.version import __version__

if TYPE_CHECKING:
    from breeze.surfaces.http.routes import Table

_REF = "#/components/schemas/{name}"
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}
_OPENAI_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}


async def openapi(call: Call) -> Answer:
    """The document."""
    return Reply(_document(call.app.table))


@lru_cache(maxsize=4)
def _document(table: Table) -> bytes:
    return msgspec.json.encode(document(table))


def document(table: Table) -> dict[str, Any]:
    """The description of every route in `table`."""
    schemas, components = _schemas(table)
    paths: dict[str, dict[str, Any]] = {}
    for route in table.routes:
        path = re.sub(r"\{(\w+):path\}", r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Breeze Engine", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {**components, "OpenAIError": _OPENAI_ERROR},
            "securitySchemes": _KEYS,
        },
    }


def _schemas(table: Table) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of every type by its text, and the components that they refer to."""
    kinds: dict[str, Any] = {"ErrorInfo": ErrorInfo}
    for route in table.routes:
        operation = _told(route)
        for kind in (*operation.takes.values(), *operation.gives.values()):
            for part in kind.values() if isinstance(kind, dict) else (kind,):
                kinds[repr(part)] = part
    found, components = msgspec.json.schema_components(
        list(kinds.values()), schema_hook=_hook, ref_template=_REF
    )
    return dict(zip(kinds, found, strict=True)), components


def _told(route: Route) -> Operation:
    return OPERATIONS.get((route.method, route.path), ANY)


def _hook(kind: type) -> dict[str, Any]:
    if getattr(kind, "__origin__", kind) is AsyncIterable:
        return {"type": "null", "description": "A live source cannot be sent as JSON"}
    raise TypeError(f"{kind} has no schema: say it in {__name__}")


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    told = _told(route)
    error = "OpenAIError" if route.path.startswith("/v1/") else "ErrorInfo"
    found: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _name(route),
        "parameters": [*_parameters(route, told)],
        "responses": {
            str(told.status): {
                "description": "The answer",
                "content": _content(told.gives, schemas),
            },
            "default": {
                "description": "A failure",
                "content": {"application/json": {"schema": {"$ref": _REF.format(name=error)}}},
            },
        },
    }
    if told.takes:
        content = _content(told.takes, schemas)
        if told.file:
            content["multipart/form-data"] = {"schema": _form(told, schemas)}
        found["requestBody"] = {"required": True, "content": content}
    if route.role is not Role.OPEN:
        found["security"] = [{name: []} for name in _KEYS]
        found["x-breeze-role"] = route.role.name.lower()
    return found


def _content(types: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    return {name: {"schema": _schema(kind, schemas)} for name, kind in types.items()}


def _schema(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if kind is None:
        return {"type": "string", "format": "binary"}
    if isinstance(kind, dict):
        properties = {name: schemas[repr(part)] for name, part in kind.items()}
        return {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "object"} if kind is dict else dict(schemas[repr(kind)])


def _form(told: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    file = {"type": "object", "properties": {told.file: {"type": "string", "format": "binary"}}}
    kind = told.takes["multipart/form-data"]
    parts = [_schema(kind, schemas)] if kind is not None else []
    return {"allOf": [*parts, {**file, "required": [told.file]}]} if parts else file


def _parameters(route: Route, told: Operation) -> list[dict[str, Any]]:
    text = {"type": "string"}
    names = re.findall(r"\{(\w+)(?::path)?\}", route.path)
    found = [{"name": name, "in": "path", "required": True, "schema": text} for name in names]
    for place, named in (("query", told.query), ("header", told.headers)):
        found += [
            {"name": name, "in": place, "description": what, "schema": text}
            for name, what in named.items()
        ]
    return found


def _name(route: Route) -> str:
    words = re.findall(r"\w+", re.sub(r":path", "", route.path))
    return "_".join((route.method.lower(), *words))


ROUTES = (Route("GET", "/openapi.json", Role.OPEN, openapi, "This description"),)
