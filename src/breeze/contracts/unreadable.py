"""What reading JSON raises when it is none. Who catches one kind only lets the others through."""

from __future__ import annotations

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""By bytes that are no JSON, by text that is no UTF-8, by brackets within brackets without end."""
