"""What one client of the router may hold at a time."""

from __future__ import annotations

import msgspec

from breeze.contracts.router import INLINE_LIMIT

MIB = 1024 * 1024


class RouterLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds.

    An attachment above `advised` is taken with a remark, one above `inline` is refused and sent
    as an upload instead. `memory`: an upload that has to be in memory, such as a picture.
    `frame`: the largest frame that is read. `live`: requests at once. `waiting` and
    `waiting_bytes`: responses made and not yet taken; a client that does not read stops its own
    requests there. `kept` and `kept_bytes`: responses sent and kept for `resume`. `parked`:
    sessions that wait for their client. `require_initialize`: refuse requests before
    `initialize`. `seed_order`: the client's configuration goes before the request's own runner.
    """

    advised: int = INLINE_LIMIT
    memory: int = 64 * MIB
    inline: int = 8 * MIB
    frame: int = 12 * MIB
    attachments: int = 16
    live: int = 256
    waiting: int = 50
    waiting_bytes: int = MIB
    kept: int = 4096
    kept_bytes: int = 8 * MIB
    parked: int = 64
    require_initialize: bool = False
    seed_order: bool = False
