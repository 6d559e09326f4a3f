"""Who answers: by the request, by the configuration, and what is said when it is another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from breeze.config.model import EngineConfig
from breeze.contracts.errors import InputError
from breeze.contracts.router import (
    AITaskType,
    RunnerType,
)
from breeze.service.router import RouterLimits, RouterService
from tests.router.asking import IMAGE, adjusted, answered, wishes
from tests.router.cast import Cast, playing


async def test_a_configured_runner_type_is_used(service: RouterService) -> None:
    configuration = wishes(runner_configurations={AITaskType.TEXT_GENERATION: RunnerType.MOCK})
    response = await answered(service, configuration)
    assert response.metadata["runner"] == "mock_river"
    assert (response.metadata["mock"], response.metadata["requested_runner"]) == ("true", "MOCK")
    pictures = await answered(service, configuration, binary_attachments=(IMAGE,))
    assert pictures.metadata["runner"] == "eye"  # another task, not configured


async def test_the_requests_own_runner_goes_first(service: RouterService) -> None:
    configuration = wishes(runner_configurations={AITaskType.TEXT_GENERATION: RunnerType.MOCK})
    response = await answered(service, configuration, options={"runner": "brook"})
    assert response.metadata["runner"] == "brook"


async def test_the_seeds_own_order_is_a_switch(with_limits: Callable[..., Any]) -> None:
    service = await with_limits(limits=RouterLimits(seed_order=True))
    configuration = wishes(runner_configurations={AITaskType.TEXT_GENERATION: RunnerType.MOCK})
    response = await answered(service, configuration, options={"runner": "brook"})
    assert response.metadata["runner"] == "mock_river"
    plain = await answered(service, options={"runner": "MOCK"})
    assert plain.metadata["runner"] == "mock_river"


@pytest.mark.parametrize("kind", ["EXECUTORCH", "MTK_APU"])
async def test_a_type_that_nobody_has_falls_back(kind: str, service: RouterService) -> None:
    wanted = {AITaskType.TEXT_GENERATION: RunnerType(kind)}
    session = service.open()
    (note,) = await session.initialize(wishes(runner_configurations=wanted))
    assert (note.field, note.used) == ("runnerConfigurations.TEXT_GENERATION", "DEFAULT")
    response = await answered(service, session=session)
    assert (response.text, response.metadata["runner"]) == ("Hello", "brook")
    assert response.metadata["requested_runner"] == kind
    assert "runner" in adjusted(response)


async def test_a_named_runner_that_cannot_work_is_stood_in_for(cast: Cast, tmp_path: Path) -> None:
    able = {"LLM": {"runners": {"brook": {"class": "brook"}, "eye": {"class": "eye"}}}}
    config = EngineConfig.model_validate({"capabilities": able})
    cast.text.reason = "the brook is dry"
    async with playing(tmp_path, cast, config=config) as engine:
        service = RouterService(engine)
        response = await answered(service, options={"runner": "brook"})
        assert response.metadata["runner"] == "eye"
        assert response.metadata["requested_runner"] == "brook"
        assert adjusted(response)["runner"] == "eye"
        strict = await answered(service, options={"runner": "brook", "strict": "true"})
        assert strict.metadata["error_code"] == "E501"
        assert "the brook is dry" in (strict.error or "")


async def test_default_means_not_said(service: RouterService) -> None:
    response = await answered(service, options={"runner": "DEFAULT"})
    assert response.metadata["runner"] == "brook"
    assert not adjusted(response)


async def test_models(service: RouterService, cast: Cast) -> None:
    own = await answered(service, options={"model_name": "brook/brook-2"})
    assert (own.metadata["runner"], own.metadata["model_name"]) == ("brook", "brook-2")
    default = await answered(service, wishes(default_model_name="brook-1"))
    assert default.metadata["model_name"] == "brook-1"
    assert not adjusted(default)
    unknown = await answered(service, wishes(default_model_name="gpt-4"))
    assert adjusted(unknown)["defaultModelName"] == "auto"
    wrong = await answered(service, options={"model_name": "gpt-4"})
    assert (wrong.metadata["error_code"], wrong.metadata["field"]) == ("E404", "model")
    seen = await answered(
        service, wishes(default_model_name="brook-1"), binary_attachments=(IMAGE,)
    )
    assert seen.metadata["runner"] == "eye"  # the default model cannot see


async def test_a_requests_model_beats_a_configured_runner(service: RouterService) -> None:
    configuration = wishes(runner_configurations={AITaskType.TEXT_GENERATION: RunnerType.MOCK})
    response = await answered(service, configuration, options={"model_name": "brook-1"})
    assert response.metadata["runner"] == "brook"
    assert "runnerConfigurations" in adjusted(response)


# parameters of runners ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting",
    [
        {"runner_config_mock_llm": "response_delay_ms=0;seed=4"},
        {"runner_config_mock_llm_response_delay_ms": "0"},
    ],
)
async def test_parameters_a_caller_may_set_are_set(
    setting: dict[str, str], service: RouterService
) -> None:
    session = service.open()
    assert await session.initialize(wishes(additional_settings=setting)) == ()
    response = await answered(service, session=session, options={"runner": "mock_llm"})
    assert response.state == "COMPLETED"
    assert response.metadata["runner"] == "mock_llm"


async def test_parameters_take_effect(service: RouterService) -> None:
    session = service.open()
    always = {"runner_config_mock_llm": "response_style=formal"}
    assert await session.initialize(wishes(additional_settings=always)) == ()
    formal = await answered(service, session=session, options={"runner": "mock_llm"})
    usual = await answered(service, options={"runner": "mock_llm"})
    assert formal.text != usual.text


async def test_a_bad_value_of_a_parameter_is_refused(service: RouterService) -> None:
    bad = {"runner_config_mock_llm_response_delay_ms": "slow"}
    with pytest.raises(InputError) as caught:
        await service.open().initialize(wishes(additional_settings=bad))
    assert caught.value.field.endswith("response_delay_ms")


async def test_what_a_client_may_not_set_is_said_without_its_value(
    service: RouterService,
) -> None:
    settings = {
        "runner_config_whistle_api_key": "CANARY-1",
        "runner_config_espeak_library": "CANARY-2",
        "model_path_text_generation": "/CANARY-3",
        "cache_models": "true",
        "max_cache_size_mb": "64",
        "mood": "good",
    }
    notes = await service.open().initialize(wishes(additional_settings=settings))
    assert len(notes) == len(settings)
    assert all(note.used is None and note.why for note in notes)
    assert "CANARY" not in str(notes)


async def test_defaults_that_nobody_asked_for_are_not_missed(service: RouterService) -> None:
    """A runner that says "no temperature here" tells it only to a client that wanted one."""
    pytest.importorskip("cv2")
    who = {"runner": "system_vision"}
    silent = await answered(service, options=who, binary_attachments=(IMAGE,))
    assert not adjusted(silent)
    wanted = who | {"temperature": "0.2"}
    spoken = await answered(service, options=wanted, binary_attachments=(IMAGE,))
    assert "temperature" in adjusted(spoken)
