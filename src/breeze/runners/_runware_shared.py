"""What the requests of one loaded runner have in common."""

from __future__ import annotations

from breeze.contracts.clock import Clock
from breeze.contracts.runner import Work
from breeze.runners._runware_api import Api
from breeze.runners._runware_gate import Gate
from breeze.runners._runware_notes import Sent, Spending

LADDER = (1.0, 2.0, 4.0, 8.0)
"""Seconds before the next try. What the server asks for counts when it is more."""


class Delivery:
    """What the requests of one loaded runner share to have their tasks done."""

    def __init__(
        self, api: Api, clock: Clock, gate: Gate, sent: Sent, spending: Spending, work: Work
    ) -> None:
        self.api = api
        self.clock = clock
        self.gate = gate
        self.sent = sent
        self.spending = spending
        self.work = work
