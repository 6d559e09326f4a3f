"""What is checked of every request before anything else: Host and Origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from breeze.surfaces.http.call import Call


class Gate:
    """Lets a request in or refuses it."""

    def check(self, call: Call) -> None:
        """Raises InputError when the request must not come in."""
