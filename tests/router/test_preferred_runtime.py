"""`preferredRuntime`: who answers for it, and what is said when it cannot be had."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from breeze.config.model import EngineConfig
from breeze.contracts.capability import Backend, RunnerKind
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.fields import choice, integer
from breeze.contracts.parameters import Parameters
from breeze.contracts.router import AITaskType, RunnerType, RuntimeBackend
from breeze.contracts.runner import Runner
from breeze.engine.engine import Engine
from breeze.service.router import RouterService
from breeze.testing.scripted import Script, ScriptedRunner, scripted
from tests.router.asking import adjusted, answered, wishes

CPU, GPU, NPU = RuntimeBackend.CPU, RuntimeBackend.GPU, RuntimeBackend.NPU
HARDWARE, CLOUD = RunnerKind.HARDWARE, RunnerKind.CLOUD
Having = Callable[..., AbstractAsyncContextManager[RouterService]]


def says(name: str, ran: str = "", **facts: Any) -> type[ScriptedRunner]:
    """A runner that says its name, and where its work ran if that is given."""
    metadata = {"runtime_backend": ran} if ran else None
    return scripted(name, Script([TextDelta(name), Finish(metadata=metadata)]), **facts)


@pytest.fixture
def having(tmp_path: Path) -> Having:
    """`having(runners…, hardware={…})`: a service of these runners only, best priority first."""

    @asynccontextmanager
    async def have(*runners: type[Runner[Any]], **settings: Any) -> AsyncIterator[RouterService]:
        entries = {
            each.info.name: {"class": each.info.name, "priority": place}
            for place, each in enumerate(runners)
        }
        said = {"capabilities": {"LLM": {"runners": entries}}, "globalSettings": settings}
        config = EngineConfig.model_validate({**said, "defaultStrategy": "PRIORITY_BASED"})
        fixed: dict[str, Any] = {"config": config, "environ": {}, "ledger": False}
        async with Engine.open(home=tmp_path, runners=runners, **fixed) as engine:
            service = RouterService(engine)
            yield service
            await service.close()

    return have


@pytest.mark.parametrize(
    ("wanted", "who"), [("AUTO", "cloud"), ("CPU", "plain"), ("GPU", "card"), ("NPU", "chip")]
)
async def test_the_first_who_works_there_answers(wanted: str, who: str, having: Having) -> None:
    runners = (
        says("cloud", kind=CLOUD),
        says("plain"),
        says("card", backends=(Backend.GPU, Backend.CPU)),
        says("chip", kind=HARDWARE, requirements=("MTK_NPU",)),
    )
    async with having(*runners, hardware={"MTK_NPU": True, "GPU": True}) as service:
        response = await answered(service, wishes(preferred_runtime=RuntimeBackend(wanted)))
    assert response.text == who
    assert response.metadata.get("runtime_backend", "AUTO") == wanted
    assert not adjusted(response)


async def test_what_nobody_has_is_said_with_what_was_looked_for(having: Having) -> None:
    async with having(says("plain"), hardware={"GPU": False}) as service:
        session = service.open()
        (note,) = await session.initialize(wishes(preferred_runtime=GPU))
        assert (note.field, note.used) == ("preferredRuntime", "AUTO")
        assert "no GPU (the configuration says no)" in (note.why or "")
        response = await answered(service, session=session)
    assert (response.text, response.metadata["runtime_backend"]) == ("plain", "CPU")
    assert not adjusted(response)  # it was told already


async def test_a_chip_that_is_not_there_is_not_used(having: Having) -> None:
    chip = says("chip", kind=HARDWARE, requirements=("MTK_NPU",))
    async with having(chip, says("plain"), hardware={"MTK_NPU": False}) as service:
        session = service.open()
        (note,) = await session.initialize(wishes(preferred_runtime=NPU))
        response = await answered(service, session=session)
    assert note.field == "preferredRuntime"
    assert (response.text, response.metadata["runtime_backend"]) == ("plain", "CPU")


async def test_who_was_asked_for_by_name_answers_all_the_same(having: Having) -> None:
    card = says("card", kind=HARDWARE, backends=(Backend.GPU,))
    async with having(says("plain"), card) as service:
        named = await answered(service, wishes(preferred_runtime=GPU), options={"runner": "plain"})
        typed = await answered(
            service,
            wishes(
                preferred_runtime=GPU,
                runner_configurations={AITaskType.TEXT_GENERATION: RunnerType.SYSTEM},
            ),
        )
    assert named.text == "plain"
    assert "plain was asked for, which works on the CPU" in named.metadata["adjustments"]
    assert (typed.text, typed.metadata["requested_runner"]) == ("plain", "SYSTEM")


class Device(Parameters):
    """A caller may say where a request runs."""

    device: str = choice("CPU", ("CPU", "GPU"), "where it runs", per_request=True)


class Layers(Parameters):
    """The operator says where it runs."""

    gpu_layers: int = integer(0, "layers on the GPU", low=0, high=99, requires_reload=True)


async def test_a_parameter_of_the_request_takes_the_work_there(having: Having) -> None:
    def line(request: Any) -> list[Any]:
        ran = request.params.get("device", "CPU")
        return [TextDelta("able"), Finish(metadata={"runtime_backend": ran})]

    able = scripted("able", Script(line), parameters=Device, backends=(Backend.CPU,))
    moves: Any = classmethod(lambda cls, backend: {"device": "GPU"} if backend == "GPU" else {})
    able.parameters_on = moves  # type: ignore[method-assign]
    async with having(able, hardware={"GPU": True}) as service:
        usual = await answered(service)
        moved = await answered(service, wishes(preferred_runtime=GPU))
    assert usual.metadata["runtime_backend"] == "CPU"
    assert moved.metadata["runtime_backend"] == "GPU"
    assert not adjusted(moved)


async def test_a_parameter_of_the_operator_is_told(having: Having) -> None:
    able = scripted(
        "able", Script([TextDelta("able"), Finish()]), parameters=Layers, backends=(Backend.CPU,)
    )
    moves: Any = classmethod(lambda cls, backend: {"gpu_layers": 99} if backend == "GPU" else {})
    able.parameters_on = moves  # type: ignore[method-assign]
    async with having(able, hardware={"GPU": True}) as service:
        (note,) = await service.open().initialize(wishes(preferred_runtime=GPU))
    assert note.why == "able works on the GPU when its operator sets gpu_layers to 99"


async def test_the_answer_tells_where_it_ran_whatever_was_expected(having: Having) -> None:
    card = says("card", "CPU", backends=(Backend.GPU, Backend.CPU))
    async with having(card, hardware={"GPU": True}) as service:
        response = await answered(service, wishes(preferred_runtime=GPU))
    assert response.metadata["runtime_backend"] == "CPU"
    assert adjusted(response)["preferredRuntime"] == "CPU"
    assert "card answered, which worked on the CPU" in response.metadata["adjustments"]


async def test_a_service_elsewhere_has_no_part_of_this_machine(having: Having) -> None:
    async with having(says("cloud", kind=CLOUD)) as service:
        response = await answered(service, wishes(preferred_runtime=CPU))
    assert (response.text, response.metadata.get("runtime_backend")) == ("cloud", None)
