"""What the tries of one engine have in common."""

from __future__ import annotations

from collections.abc import Mapping

from breeze.contracts.clock import Clock
from breeze.engine.circuit import Circuits
from breeze.engine.instances import Instance
from breeze.engine.ledger import Ledger
from breeze.engine.pool import Pool


class Means:
    """What the tries of one engine work with. `instances` may change between requests."""

    def __init__(
        self,
        instances: Mapping[str, Instance],
        pool: Pool,
        clock: Clock,
        ledger: Ledger,
        circuits: Circuits,
    ) -> None:
        self.instances = instances
        self.pool = pool
        self.clock = clock
        self.ledger = ledger
        self.circuits = circuits
