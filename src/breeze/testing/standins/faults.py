"""Every way to go wrong that all stand-ins know, by number."""

from __future__ import annotations

from breeze.testing.standins._fault import Fault
from breeze.testing.standins.faults_before import BEFORE
from breeze.testing.standins.faults_during import DURING
from breeze.testing.standins.faults_shape import SHAPES

FAULTS: tuple[Fault, ...] = tuple(
    sorted((*BEFORE, *DURING, *SHAPES), key=lambda fault: fault.number)
)
