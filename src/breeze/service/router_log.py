"""What the router writes to the log for one client, as far as that client's level goes."""

from __future__ import annotations

import logging
from typing import Any

from breeze.contracts.router import AIResponse, LogLevel, ResponseState
from breeze.service.router_plan import Plan

_LOG = logging.getLogger("breeze.router")
_LEVELS = {
    LogLevel.ERROR: logging.ERROR,
    LogLevel.WARN: logging.WARNING,
    LogLevel.INFO: logging.INFO,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.VERBOSE: logging.DEBUG,
}


class SessionLog:
    """Ids, names and figures; never what was said."""

    def __init__(self, level: LogLevel = LogLevel.OFF) -> None:
        self._level = level

    def write(self, level: LogLevel, text: str, *values: Any) -> None:
        """One line, if the client wants lines of this level."""
        if level <= self._level:
            _LOG.log(_LEVELS[level], text, *values)

    def begins(self, plan: Plan) -> None:
        """A request was understood."""
        request = plan.request
        self.write(LogLevel.DEBUG, "%s is %s for %r", request.id, request.needs, request.runner)
        for note in plan.adjustments:
            self.write(LogLevel.WARN, "%s: %r not as asked: %s", request.id, note.field, note.why)

    def ends(self, response: AIResponse) -> None:
        """A request has its last response."""
        known = response.metadata
        if response.state is ResponseState.ERROR:
            code = known.get("error_code", "")
            self.write(LogLevel.ERROR, "%s: %s", known["engine_request_id"], code)
        else:
            spent, who = known.get("processing_time_ms"), known.get("runner")
            self.write(LogLevel.INFO, "%s: %s ms by %s", known["engine_request_id"], spent, who)
