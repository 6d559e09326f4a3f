"""Values that JSON can say, and settings and configurations made of them."""

from __future__ import annotations

from typing import Any

import hypothesis
from hypothesis import strategies as st

from breeze.config import (
    CapabilityEntry,
    CircuitSettings,
    EngineConfig,
    FailoverSettings,
    GlobalSettings,
    RunnerEntry,
    Settings,
)
from breeze.config.server import ServerSettings
from breeze.contracts.capability import Capability, Requirement, RunnerKind, Strategy

# Bounded by examples, never by wall time: the machine may be busy.
unhurried = hypothesis.settings(deadline=None, max_examples=60)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(text, json_values, max_size=3)
instances = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,10}", fullmatch=True).filter(
    lambda name: name != "auto"
)
parameters = st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True)
positive = st.integers(1, 10**9)

settings = st.builds(
    Settings,
    selected_runners=st.dictionaries(st.sampled_from(Capability), instances, max_size=3),
    runner_parameters=st.dictionaries(instances, objects, max_size=3),
    guardian_config=objects,
)
entries = st.builds(
    RunnerEntry,
    class_=st.text(min_size=1, max_size=10),
    priority=st.none() | st.integers(-1000, 1000),
    type=st.none() | st.sampled_from(RunnerKind),
    enabled=st.booleans(),
    requirements=st.none() | st.lists(st.sampled_from(Requirement), max_size=2).map(tuple),
    always_available=st.booleans(),
    model_id=st.none() | text,
    parameters=objects,
)
servers = st.builds(  # without keys, which are never written back
    ServerSettings,
    host=st.text(min_size=1, max_size=10),
    port=st.integers(0, 65535),
    workers=positive,
    allowed_hosts=st.lists(st.text(min_size=1, max_size=10), max_size=2).map(tuple),
    shutdown_limit_seconds=st.floats(0, 1e6),
    log_level=st.sampled_from(["error", "warning", "debug"]),
)
global_settings = st.builds(
    GlobalSettings,
    enable_hardware_detection=st.booleans(),
    fallback_to_mock=st.booleans(),
    max_init_retries=st.integers(0, 10),
    default_timeout_ms=positive,
    failover=st.builds(
        FailoverSettings,
        attempts=positive,
        deadline_ms=st.none() | positive,
        after_output=st.sampled_from(["stop", "restart", "continue"]),
    ),
    circuit=st.builds(CircuitSettings, failures=positive, cooldown_ms=st.integers(0, 10**6)),
    memory_budget_mb=st.none() | positive,
    keep_alive_s=st.floats(0, 1e6),
    guardian=objects,
    server=servers,
)
configs = st.builds(
    EngineConfig,
    default_strategy=st.sampled_from(Strategy),
    global_settings=global_settings,
    # One capability only: an instance under two must be the same in both.
    capabilities=st.dictionaries(
        st.sampled_from(Capability),
        st.builds(CapabilityEntry, runners=st.dictionaries(instances, entries, max_size=3)),
        max_size=1,
    ),
)
