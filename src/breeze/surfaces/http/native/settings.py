"""/v2/settings: what is saved and what counts, for operators. Secrets go in and never come out."""

from __future__ import annotations

import asyncio

import msgspec

from breeze.contracts.strict import read_strict
from breeze.service.access import Role
from breeze.service.settings_change import SettingsPatch, change_settings
from breeze.service.settings_view import settings_view
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Route

LONGEST = 1024 * 1024


async def shown(call: Call) -> Answer:
    """The settings, every parameter with its value and where that comes from."""
    view = await asyncio.to_thread(settings_view, call.app.engine)
    return Reply.json(view)


async def change(call: Call) -> Answer:
    """Save what the body names, and take it up. Nothing is saved when anything is wrong."""
    patch = read_strict(await call.json(), SettingsPatch)
    warnings = await change_settings(call.app.engine, patch)
    view = await asyncio.to_thread(settings_view, call.app.engine)
    return Reply.json({"warnings": warnings, **msgspec.structs.asdict(view)})


ROUTES = (
    Route("GET", "/v2/settings", Role.OPERATE, shown, "The settings, secrets masked"),
    Route("PATCH", "/v2/settings", Role.OPERATE, change, "Change settings", LONGEST),
)
