"""/v2/settings: what is saved and what counts, for operators. Secrets go in and never come out."""

from __future__ import annotations

import asyncio

import msgspec

from breeze.contracts.errors import InputError
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
    try:
        patch = msgspec.convert(await call.json(), SettingsPatch)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise InputError(f"{what}.", field=where.strip("`").lstrip(".")) from error
    warnings = await change_settings(call.app.engine, patch)
    view = await asyncio.to_thread(settings_view, call.app.engine)
    return Reply.json({"warnings": warnings, **msgspec.structs.asdict(view)})


ROUTES = (
    Route("GET", "/v2/settings", Role.OPERATE, shown, "The settings, secrets masked"),
    Route("PATCH", "/v2/settings", Role.OPERATE, change, "Change settings", LONGEST),
)
