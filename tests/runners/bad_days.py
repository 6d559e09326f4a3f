"""What must come of the ways in which a vendor can go wrong, whoever it is."""

from __future__ import annotations

import asyncio
from typing import Any

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import RunnerError
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner
from breeze.testing.standins import Standin
from tests.runners.vendor import answer, running

CODES = {
    "rate-limit": "E429", "quota": "E402", "retry-after-huge": "E429",
    "retry-after-negative": "E429", "retry-after-rubbish": "E429", "key-refused": "E401",
    "key-refused-empty": "E401", "forbidden": "E401", "forbidden-empty": "E401",
    "model-missing": "E404", "error-500": "E501", "error-502-page": "E501", "error-503": "E505",
    "error-503-page": "E501", "error-504": "E501", "error-524-page": "E501", "error-529": "E505",
    "context": "E400", "invalid": "E400", "refused": "E501", "reset": "E501",
    "closed": "E501", "slow-head": "E501", "slow-first": "E501", "slow-comments": "E501",
    "stall": "E501", "stream-cut": "E101", "stream-reset": "E101", "early-close": "E101",
    "early-end": "E101", "stream-error": "E505", "malformed": "E101", "gigantic-event": "E101",
    "endless": "E501", "html-page": "E101", "error-200": "E505", "redirect": "E501",
    "redirect-plain": "E501", "redirect-loop": "E501", "redirect-private": "E501",
    "length-long": "E101", "length-short": "E101", "gzip": "E101", "gzip-bomb": "E101",
    "unknown-encoding": "E101", "reflected": "E400",
}  # fmt: skip
"""The code of the error for each fault that ends in one."""
FINE = {"wrong-type"}
"""Faults that a client need not notice, beside those that are harmless."""


async def had(
    kind: type[Runner[Any]], vendor: Standin, request: ChatRequest, **values: Any
) -> ChatAnswer | RunnerError:
    """The answer or the error that a caller gets, within 20 seconds."""
    async with asyncio.timeout(20), running(kind, vendor.url, **values) as runner:
        try:
            return await answer(runner, request)
        except RunnerError as error:
            return error
