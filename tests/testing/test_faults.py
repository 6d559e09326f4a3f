"""The kit catches what it claims to catch: every rule has a runner that breaks it."""

from __future__ import annotations

import pytest

from breeze.testing.conformance import RULES, check_runner
from breeze.testing.rule import Limits
from tests.testing import faults_cancel, faults_input, faults_parameters, faults_stream, faults_work
from tests.testing.faults import Fault
from tests.testing.faults_parameters import UsesKey

FAULTS = [
    *faults_stream.FAULTS,
    *faults_work.FAULTS,
    *faults_cancel.FAULTS,
    *faults_input.FAULTS,
    *faults_parameters.FAULTS,
]
QUICK = Limits(settle=0.02, cycles=8)
SLOW = {"load.memory", "parameters.per-request"}
"""Looked at only where they are what is broken."""


def test_every_rule_has_a_fault() -> None:
    assert {fault.rule for fault in FAULTS} == {rule.id for rule in RULES}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_the_fault_is_found_and_nothing_else(fault: Fault) -> None:
    rules = [r.id for r in RULES if r.id == fault.rule or r.id not in SLOW]
    report = await check_runner(fault.runner, limits=QUICK, only=rules)
    failed = {result.rule for result in report.failed}
    assert failed == {fault.rule} | fault.also, report.render()


async def test_a_runner_that_keeps_its_secret_passes() -> None:
    report = await check_runner(UsesKey, limits=QUICK)
    assert report.ok, report.render()
