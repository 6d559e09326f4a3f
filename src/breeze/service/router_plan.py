"""Everything between a client's message and the engine: read, check, build, route."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from breeze.contracts.answers import Adjustment
from breeze.contracts.errors import InputError, VersionError
from breeze.contracts.request import Request
from breeze.contracts.router import API_VERSION, AIRequest, RuntimeBackend
from breeze.engine.engine import Engine
from breeze.service.router_attachments import Uploads, loaded, open_attachments
from breeze.service.router_limits import RouterLimits
from breeze.service.router_mapping import Draft, build, kind_of
from breeze.service.router_notes import Notes
from breeze.service.router_options import CHAT, DRAW, SPEAK, options_for, read_options
from breeze.service.router_routing import route
from breeze.service.router_settings import Preferences, check_version
from breeze.service.router_values import LONGEST_NAME


class Plan(NamedTuple):
    """What the engine is asked, and what is told with the answer.

    `unasked`: fields that only a default filled, so nobody misses them. `preferred`: where its
    client wants the work to run.
    """

    request: Request[Any]
    streaming: bool
    requested_runner: str
    adjustments: list[Adjustment]
    unasked: frozenset[str]
    preferred: RuntimeBackend = RuntimeBackend.AUTO


class Planner:
    """Makes plans for one engine."""

    def __init__(self, engine: Engine, limits: RouterLimits, uploads: Uploads | None) -> None:
        self._engine = engine
        self._limits = limits
        self._uploads = uploads

    async def plan(
        self, asked: AIRequest, preferences: Preferences, owner: str, request_id: str
    ) -> Plan:
        """Raises InputError with everything that is wrong, and the errors of routing."""
        check_version(asked.api_version)
        if self._limits.require_initialize and not preferences.asked:
            raise InputError("Call initialize before the first request.", field="initialize")
        notes = Notes()
        if len(asked.session_id) > LONGEST_NAME:
            notes.problem("sessionId", f"has more than {LONGEST_NAME} characters")
        found = read_options(asked, notes)
        media = await open_attachments(asked, self._limits, self._uploads, owner, notes)
        notes.check()
        options = options_for(kind_of(found, media), found, notes)
        _check_answer(options.kind, version_of(asked, preferences))
        if options.kind in CHAT:
            media = [await loaded(one, self._limits) for one in media]
        draft = Draft(asked, media, options, preferences, notes)
        routed = await route(build(draft), draft, self._engine, seed_order=self._limits.seed_order)
        streaming = preferences.streaming if options.streaming is None else options.streaming
        return Plan(
            msgspec.structs.replace(routed.request, id=request_id, whole=not streaming),
            streaming,
            routed.requested_runner,
            notes.adjustments,
            _unasked(options.fields, preferences),
            preferences.configuration.preferred_runtime,
        )


def version_of(asked: AIRequest, preferences: Preferences) -> int:
    """The version the answer is written in: the newest its client has named."""
    return min(API_VERSION, max(asked.api_version, preferences.configuration.api_version, 1))


def _check_answer(kind: str, version: int) -> None:
    if version < API_VERSION and kind in SPEAK | DRAW:
        raise VersionError(
            f"The answer to {kind} is binary, which apiVersion 1 cannot carry: send apiVersion 2.",
            field="apiVersion",
        )


def _unasked(fields: dict[str, Any], preferences: Preferences) -> frozenset[str]:
    defaults = ("max_tokens", "temperature")
    return frozenset(f for f in defaults if f not in fields and preferences.is_default(f))
