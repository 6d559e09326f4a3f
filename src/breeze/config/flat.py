"""Version 1.0 of the seeds' runner_config.json: one flat list of runners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, StrictBool

from breeze.config.model import (
    CapabilityEntry,
    EngineConfig,
    GlobalSettings,
    InstanceName,
    RunnerEntry,
    Section,
    Text,
)
from breeze.contracts.capability import Capability, RunnerKind, Strategy


class FlatRunner(RunnerEntry):
    """An entry of the list. `is_real` false is how version 1.0 says MOCK."""

    name: InstanceName
    capabilities: tuple[Text, ...] = Field(min_length=1)
    is_real: StrictBool = Field(True, alias="is_real")

    def entry(self) -> RunnerEntry:
        """The same as version 2.0 has it."""
        given = {name: getattr(self, name) for name in RunnerEntry.model_fields}
        mock = RunnerKind.MOCK if not self.is_real else None
        return RunnerEntry(**{**given, "type": self.type or mock})


class FlatConfig(Section):
    """The whole of a version 1.0 file."""

    version: Literal["1.0", "2.0"] = "1.0"
    default_strategy: Strategy = Strategy.LOCAL_FIRST
    global_settings: GlobalSettings = GlobalSettings()
    runners: tuple[FlatRunner, ...]

    def converted(self) -> EngineConfig:
        """The configuration that the list means. Unknown capabilities are left out."""
        return EngineConfig(
            version=self.version,
            default_strategy=self.default_strategy,
            global_settings=self.global_settings,
            capabilities={
                capability: CapabilityEntry(runners=self._of(capability))
                for capability in Capability
                if self._of(capability)
            },
        )

    def _of(self, capability: Capability) -> dict[str, RunnerEntry]:
        return {r.name: r.entry() for r in self.runners if capability in r.capabilities}

    def unknown_capabilities(self) -> Iterator[tuple[str, str]]:
        """Path and name of each capability that nobody knows."""
        for place, runner in enumerate(self.runners):
            for index, name in enumerate(runner.capabilities):
                if name not in set(Capability):
                    yield f"runners[{place}].capabilities[{index}]", name


def is_flat(config: Any) -> bool:
    """Whether `config`, any JSON, has the form of version 1.0."""
    return isinstance(config, dict) and isinstance(config.get("runners"), list)
