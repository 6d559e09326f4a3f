"""Every route needs the role that is written here. A new route without an entry fails."""

from __future__ import annotations

import re

import pytest

from breeze.contracts.errors import AuthenticationError
from breeze.service.access import STRANGER, Principal, Role
from breeze.surfaces.http.table import TABLE
from tests.http.conftest import Serve
from tests.http.raw import Wire, request

OPEN, USE, OPERATE = Role.OPEN, Role.USE, Role.OPERATE
ROLES = {
    ("GET", "/health"): OPEN,
    ("GET", "/healthz"): OPEN,
    ("GET", "/livez"): OPEN,
    ("GET", "/ready"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/metrics"): OPERATE,
    ("POST", "/v1/chat/completions"): USE,
    ("POST", "/v1/completions"): USE,
    ("POST", "/v1/embeddings"): USE,
    ("POST", "/v1/rerank"): USE,
    ("POST", "/v1/images/generations"): USE,
    ("POST", "/v1/moderations"): USE,
    ("GET", "/v1/models"): USE,
    ("GET", "/v1/models/{id:path}"): USE,
    ("POST", "/v1/audio/speech"): USE,
    ("POST", "/v1/audio/transcriptions"): USE,
    ("POST", "/v1/audio/translations"): USE,
    ("POST", "/v2/stream/{capability}"): USE,
    ("GET", "/v2/requests"): USE,
    ("GET", "/v2/requests/{id}/events"): USE,
    ("DELETE", "/v2/requests/{id}"): USE,
    ("GET", "/v2/router/schema.json"): USE,
    ("GET", "/v2/router/asyncapi.json"): USE,
    ("GET", "/v2/runners"): USE,
    ("GET", "/v2/models"): USE,
    ("GET", "/v2/models/store"): USE,
    ("POST", "/v2/models/pull"): OPERATE,
    ("POST", "/v2/models/pause"): OPERATE,
    ("POST", "/v2/models/resume"): OPERATE,
    ("POST", "/v2/models/cancel"): OPERATE,
    ("DELETE", "/v2/models/{id:path}"): OPERATE,
    ("POST", "/v2/explain"): USE,
    ("POST", "/v2/uploads"): USE,
    ("DELETE", "/v2/uploads/{id}"): USE,
    ("GET", "/v2/settings"): OPERATE,
    ("PATCH", "/v2/settings"): OPERATE,
}
CALLERS = {"": STRANGER, "user": Principal("anna", USE), "operator": Principal("olga", OPERATE)}
KEYS = {"": OPEN, "user": USE, "operator": OPERATE}
ROUTES = sorted(ROLES, key=lambda route: (route[1], route[0]))


def authenticate(key: bytes) -> Principal:
    """Two keys that are known, and no other."""
    if key.decode("latin-1") not in CALLERS:
        raise AuthenticationError("This key is not known.")
    return CALLERS[key.decode("latin-1")]


def test_every_route_is_listed_here_with_its_role() -> None:
    assert {(route.method, route.path): route.role for route in TABLE.routes} == ROLES


def concrete(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "some-name", path)


async def status(wire: Wire, method: str, path: str, key: str, header: str) -> int:
    """What a caller gets. The body is no request of any kind: who may ask gets as far as that."""
    sent = {header: f"Bearer {key}" if header == "authorization" else key} if key else {}
    await wire.send(request(method, path, b"{", **sent))
    return (await wire.answer(head_only=method == "HEAD")).status


@pytest.mark.parametrize("header", ["authorization", "x_api_key"])
async def test_every_route_lets_in_who_has_its_role_and_nobody_else(
    serve: Serve, header: str
) -> None:
    async with serve(app={"authenticate": authenticate}) as server:
        wire = await Wire.to(server.url)
        for method, path in ROUTES:
            role = ROLES[method, path]
            for sent in (method, "HEAD") if method == "GET" else (method,):
                for key, has in KEYS.items():
                    got = await status(wire, sent, concrete(path), key, header)
                    wanted = {401} if has < role and not key else {403} if has < role else None
                    assert got in wanted if wanted else got not in (401, 403), (sent, path, key)
                wrong = await status(wire, sent, concrete(path), "stolen", header)
                assert (wrong == 401) is (role > OPEN), (sent, path)
        await wire.close()


BY_ANOTHER_NAME = ["/{0}", "{0}/", "//{0}", "/.{0}", "{0}/.", "{0};x", "{0}%20", "{0}%00", "{0}%2f"]


async def test_no_other_spelling_of_a_path_opens_it(serve: Serve) -> None:
    async with serve(app={"authenticate": authenticate}) as server:
        wire = await Wire.to(server.url)
        for method, path in ROUTES:
            if ROLES[method, path] is OPEN:
                continue
            plain = concrete(path)
            spelled = [form.format(plain) for form in BY_ANOTHER_NAME]
            spelled += [plain.upper(), f"/x/..{plain}", plain.replace("/v", "/%76", 1)]
            for other in spelled:
                assert await status(wire, method, other, "", "x_api_key") in (401, 404, 405), other
        await wire.close()


async def test_a_key_counts_the_same_whichever_header_carries_it(serve: Serve) -> None:
    async with serve(app={"authenticate": authenticate}) as server:
        wire = await Wire.to(server.url)
        for value, wanted in [
            ("bearer user", 403), ("BEARER operator", 200), ("Bearer  operator ", 200),
            ("Bearer", 401), ("Bearer ", 401), ("Basic operator", 401), ("operator", 401),
            ("Bearer operator x", 401), ("Bearer operatorr", 401), ("Bearer operato", 401),
            ("Bearer ' OR 1=1 --", 401), ("Bearer \xff\xfe", 401), ("Bearer " + "x" * 9000, 401),
        ]:  # fmt: skip
            await wire.send(request("GET", "/v2/settings", b"", authorization=value))
            assert (await wire.answer()).status == wanted, value
        await wire.close()


async def test_asking_what_a_path_takes_needs_no_key_and_tells_nothing_else(serve: Serve) -> None:
    async with serve(app={"authenticate": authenticate}) as server:
        wire = await Wire.to(server.url)
        for _, path in ROUTES:
            await wire.send(request("OPTIONS", concrete(path)))
            answer = await wire.answer()
            assert (answer.status, answer.body) == (200, b"")
        await wire.close()


async def test_who_lacks_a_role_learns_which_one_but_not_what_is_there(serve: Serve) -> None:
    async with serve(app={"authenticate": authenticate}) as server:
        wire = await Wire.to(server.url)
        await wire.send(request("GET", "/v2/settings"))
        answer = await wire.answer()
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        await wire.send(request("GET", "/v2/settings", b"", x_api_key="user"))
        answer = await wire.answer()
        assert (answer.status, answer.error["code"]) == (403, "E401")
        assert "operate" in answer.error["message"]
        await wire.close()
