"""Anthropic's Messages: a chat request as JSON, and the answer to it as our events.

What a caller wished and the dialect has no word for comes back as `Adjusted`, so that nothing is
lost in silence.
"""

from __future__ import annotations

from breeze.contracts.dialects.anthropic_body import Dialect as Dialect
from breeze.contracts.dialects.anthropic_body import messages_body as messages_body
from breeze.contracts.dialects.anthropic_stream import MessageReader as MessageReader

NEWEST = "2026-10-21"
"""Version of the dialect since which sampling fields are refused and system turns are known."""
