"""What a vendor's official client sends, recorded by the stand-in of that vendor."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from breeze.testing.standins import Call, Standin
from tests.clients.scripted import outcomes


class Recorded(NamedTuple):
    """What the examples of a script sent, one call each, and what they returned."""

    calls: dict[str, Call]
    returned: dict[str, Any]


async def recorded(client: str, script: str, vendor: Standin, folder: Path) -> Recorded:
    """Run the examples of `script` in the environment of `client` against `vendor`.

    Each example makes one call, in the order of their names. `STANDIN_URL` tells them where.
    """
    begun = len(vendor.calls)
    found = await outcomes(client, script, folder, STANDIN_URL=vendor.url)
    for name, outcome in found.items():
        if "failed" in outcome:
            pytest.fail(f"{name}:\n{outcome['failed']}", pytrace=False)
    calls = vendor.calls[begun:]
    assert len(calls) == len(found), [call.target for call in calls]
    returned = {name: outcome["returned"] for name, outcome in found.items()}
    return Recorded(dict(zip(found, calls, strict=True)), returned)
