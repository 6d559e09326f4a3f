"""The table of routes. Every route lists the role it needs; what is not in the table is refused."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from breeze.contracts.errors import InputError
from breeze.service.access import Role as Role

if TYPE_CHECKING:
    from breeze.surfaces.http.call import Call
    from breeze.surfaces.http.reply import Answer


Handler = Callable[["Call"], Awaitable["Answer"]]


class Route(NamedTuple):
    """One thing that can be asked.

    `path` may hold `{name}` (one segment) and, at its end, `{name:path}` (the rest, slashes too);
    the handler finds them in `call.found`, percent-decoded. `limit`: bytes of body at most, None
    for the server's limit for JSON.
    """

    method: str
    path: str
    role: Role
    handler: Handler
    summary: str
    limit: int | None = None


class Missing(NamedTuple):
    """No such route: `allowed` are the methods that the path does know."""

    allowed: tuple[str, ...]


class Table:
    """Finds the route of a request: one dictionary look-up for a fixed path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._fixed: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        by_path: dict[str, dict[str, Route]] = {}
        for route in self.routes:
            methods = by_path.setdefault(route.path, {})
            if route.method in methods:
                raise ValueError(f"{route.method} {route.path} is in the table twice")
            methods[route.method] = route
        for path, methods in by_path.items():
            if "GET" in methods:  # whoever answers GET answers HEAD, and leaves the body out
                methods.setdefault("HEAD", methods["GET"])
            if "{" in path:
                self._patterns.append((_pattern(path), methods))
            else:
                self._fixed[path] = methods
        self._found: dict[tuple[str, str], tuple[Route, dict[str, str]]] = {
            (method, path): (route, {})
            for path, methods in self._fixed.items()
            for method, route in methods.items()
        }

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | Missing:
        """The route and what its path holds. `path` is as sent, percent-encoded."""
        found = self._found.get((method, path))
        if found is not None:
            return found
        if path in self._fixed:
            return _missing(self._fixed[path])
        for pattern, known in self._patterns:
            if match := pattern.fullmatch(path):
                route = known.get(method)
                if route is None:
                    return _missing(known)
                return route, {name: _decoded(text) for name, text in match.groupdict().items()}
        return Missing(())


def _missing(methods: Iterable[str]) -> Missing:
    return Missing((*methods, "OPTIONS"))


def _pattern(path: str) -> re.Pattern[str]:
    text = re.sub(r"\\\{(\w+):path\\\}$", r"(?P<\1>.+)", re.escape(path))
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", text))


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise InputError("The path is not UTF-8.", field="path") from error
