"""What config.json may say: the seeds' runner_config.json 2.0 and our additions, as types.

The names in the file are in camelCase; in Python they are the snake_case attributes below.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from breeze.config.conflicts import conflicts
from breeze.config.models import ModelsSettings
from breeze.config.section import Count, Positive, Seconds
from breeze.config.section import InstanceName as InstanceName
from breeze.config.section import Section as Section
from breeze.config.section import Text as Text
from breeze.config.server import ServerSettings
from breeze.contracts.capability import Capability, RunnerKind, Strategy


def _free_form(description: str) -> Any:
    return Field(default_factory=dict, repr=False, description=description)


class FailoverSettings(Section):
    """When to give up on a candidate, and what then."""

    attempts: Positive = Field(2, description="tries of one request on one runner")
    first_event_ms: Positive = Field(20000, description="longest wait for the first event")
    stall_ms: Positive = Field(30000, description="longest silence within a stream")
    deadline_ms: Positive | None = Field(None, description="limit of everything together")
    after_output: Literal["stop", "restart", "continue"] = Field(
        "stop", description="what to do when a runner fails after text was sent"
    )
    content_policy: Literal["report", "next"] = Field(
        "report", description="what to do when a provider's content policy refuses a request"
    )


class CircuitSettings(Section):
    """When a runner that keeps failing is left alone."""

    failures: Positive = Field(5, description="failures in a row after which a runner rests")
    cooldown_ms: Count = Field(30000, description="how long it rests before one request tries it")


class GlobalSettings(Section):
    """Facts for all capabilities: four keys of the seeds, then ours."""

    enable_hardware_detection: StrictBool = Field(True, description="look for NPU and GPU")
    hardware: dict[str, StrictBool] = Field(
        default_factory=dict, description="what the machine has or lacks, whatever is found"
    )
    fallback_to_mock: StrictBool = Field(
        True, description="a mock answers where no real runner is configured"
    )
    max_init_retries: Count = Field(3, description="further tries when loading fails")
    default_timeout_ms: Positive = Field(30000, description="limit of a request without its own")
    failover: FailoverSettings = FailoverSettings()
    circuit: CircuitSettings = CircuitSettings()
    memory_budget_mb: Positive | None = Field(
        None, description="memory for loaded models; else 80 % of what the machine has"
    )
    keep_alive_s: Seconds = Field(
        300.0, alias="keepAliveSeconds", description="idle seconds before a model is unloaded"
    )
    guardian: dict[str, Any] = _free_form("content safety; not yet")
    models: ModelsSettings = ModelsSettings()
    server: ServerSettings = ServerSettings()


class RunnerEntry(Section):
    """One instance: a runner class with the parameters that it is to have."""

    class_: Text = Field(
        alias="class", description="a runner's name, or a dotted path that ends in it"
    )
    priority: StrictInt | None = Field(None, description="lower wins; else the runner's own rank")
    type: RunnerKind | None = Field(None, description="else the runner's own kind")
    enabled: StrictBool = Field(True, description="off: as if the entry were not there")
    requirements: tuple[Text, ...] | None = Field(
        None, description="what the machine must have; else the runner's own list"
    )
    always_available: StrictBool = Field(False, description="candidate whatever is missing")
    model_id: StrictStr | None = Field(None, description="else the runner's default model")
    isolation: Literal["none", "process"] | None = Field(
        None, description="process: a process of its own; else the runner's own choice"
    )
    pinned: StrictBool = Field(False, description="once loaded, it stays, even when it is idle")
    parameters: dict[str, Any] = _free_form("values of the runner's parameters")


class CapabilityEntry(Section):
    """The instances for one kind of work."""

    default_runner: InstanceName | None = Field(None, description="first when nobody chose")
    runners: dict[InstanceName, RunnerEntry] = Field(default_factory=dict)


class EngineConfig(Section):
    """A whole configuration. `EngineConfig()` is what counts without any file."""

    version: Literal["1.0", "2.0"] = Field("2.0", description="of this format")
    default_strategy: Strategy = Field(
        Strategy.LOCAL_FIRST, description="order of the candidates when nobody chose"
    )
    global_settings: GlobalSettings = GlobalSettings()
    capabilities: dict[Capability, CapabilityEntry] = Field(default_factory=dict)

    @property
    def instances(self) -> dict[str, RunnerEntry]:
        """Every instance by name; one that is under several capabilities appears once."""
        found: dict[str, RunnerEntry] = {}
        for entry in self.capabilities.values():
            for name, runner in entry.runners.items():
                found.setdefault(name, runner)
        return found

    @model_validator(mode="after")
    def _one_name_one_instance(self) -> Self:
        if found := list(conflicts(self.model_dump(by_alias=True))):
            raise ValueError("; ".join(f"{path}: {message}" for path, message in found))
        return self
