"""What a configuration and the options change: seen in the request that the runner gets."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import InputError
from breeze.service.router import RouterService
from breeze.testing.clock import ManualClock
from tests.router.asking import answered, listening, wishes
from tests.router.cast import Cast, playing
from tests.router.serving import message

PAIRS = ";".join(f"a{i}=1" for i in range(65))


async def test_the_seeds_defaults_count_without_initialize(
    service: RouterService, cast: Cast
) -> None:
    await answered(service)
    request = cast.asked()[0]
    assert (request.max_tokens, request.temperature, request.deadline) == (1024, 0.7, 30)
    assert (request.session_id, len(request.messages)) == ("s1", 1)


async def test_a_configuration_fills_what_a_request_leaves_out(
    service: RouterService, cast: Cast
) -> None:
    configuration = wishes(
        max_tokens=99, temperature=0.1, timeout_ms=1500, language_preference="zh-TW"
    )
    await answered(service, configuration)
    request = cast.asked()[0]
    assert (request.max_tokens, request.temperature, request.deadline) == (99, 0.1, 1.5)
    assert request.messages[0].role == "system"
    assert "zh-TW" in request.messages[0].text


async def test_options_go_before_the_configuration(service: RouterService, cast: Cast) -> None:
    options = {"max_tokens": "7", "temperature": "1.5", "timeout_ms": "250", "language": "fr",
               "top_p": "0.5", "seed": "3", "system_prompt": "Be brief."}  # fmt: skip
    await answered(service, wishes(max_tokens=99, timeout_ms=9000), options=options)
    request = cast.asked()[0]
    assert (request.max_tokens, request.temperature, request.deadline) == (7, 1.5, 0.25)
    assert (request.top_p, request.seed) == (0.5, 3)
    assert request.messages[0].text.startswith("Be brief. ")
    assert " fr " in request.messages[0].text


async def test_no_limit_of_time_is_a_day(service: RouterService, cast: Cast) -> None:
    await answered(service, wishes(timeout_ms=0))
    await answered(service, options={"timeout_ms": "0"})
    assert [request.deadline for request in cast.asked()] == [86_400, 86_400]


async def test_time_over_is_an_error_of_its_own(cast: Cast, tmp_path: Path) -> None:
    clock = ManualClock()
    async with playing(tmp_path, cast, clock=clock) as engine:
        session, ear = await listening(RouterService(engine))
        await session.initialize(wishes(timeout_ms=400))
        await session.send_message(message(text="wait"))
        await cast.gate.started.wait()
        await clock.advance(0.5)
        await ear.ended.wait()
        assert (ear.last.metadata["error_code"], ear.last.metadata["retryable"]) == ("E301", "true")
        assert "0.4 s" in (ear.last.error or "")
        await session.close()


async def test_the_language_reaches_hearing_and_speaking(
    service: RouterService, cast: Cast
) -> None:
    speak = {"request_type": "speech_synthesis", "voice": "calm", "speed": "2", "format": "mp3"}
    await answered(service, wishes(language_preference="zh-TW"), options=speak)
    said = cast.asked("voice")[0]
    assert (said.language, said.voice, said.speed, said.format) == ("zh-TW", "calm", 2, "mp3")


async def test_switches(service: RouterService, cast: Cast) -> None:
    off = wishes(additional_settings={"enable_streaming": "false", "enable_guardrails": "false"})
    session, ear = await listening(service)
    assert await session.initialize(off) == ()
    await session.send_message(message())
    await ear.ended.wait()
    assert [r.state for r in ear.heard] == ["PROCESSING", "COMPLETED"]
    assert cast.asked()[0].guardian.enabled is False


async def test_guardrails_are_asked_for(service: RouterService, cast: Cast) -> None:
    await answered(service, wishes(additional_settings={"enable_guardrails": "true"}))
    assert cast.asked()[0].guardian.enabled is True


async def test_the_log_is_as_loud_as_the_client_wants(
    service: RouterService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="breeze.router")
    quiet = {"enable_logging": "false"}
    await answered(service)
    await answered(service, wishes(log_level=5, additional_settings=quiet))
    assert not caplog.records
    await answered(service, wishes(log_level=3), text="a secret word")
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]
    assert "brook" in caplog.text
    assert "secret" not in caplog.text
    caplog.clear()
    await answered(service, wishes(log_level=1), text="fail")
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"options": {f"unknown {i}": "x" for i in range(65)}}, "options"),
        ({"options": {"model_name": "x" * 257}}, "options.model_name"),
        ({"options": {"language": " "}}, "options.language"),
        ({"session_id": "x" * 257}, "sessionId"),
    ],
)
async def test_sizes_are_bounded(fields: Any, field: str, service: RouterService) -> None:
    response = await answered(service, **fields)
    assert (response.metadata["error_code"], response.metadata["field"]) == ("E400", field)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"additional_settings": {f"unknown {i}": "x" for i in range(65)}}, "additionalSettings"),
        ({"default_model_name": "x" * 257}, "defaultModelName"),
        (
            {"additional_settings": {"runner_config_mock_llm": PAIRS}},
            "additionalSettings.runner_config_mock_llm",
        ),
        (
            {"additional_settings": {"runner_config_mock_llm": "seed"}},
            "additionalSettings.runner_config_mock_llm",
        ),
    ],
)  # fmt: skip
async def test_sizes_of_a_configuration_are_bounded(
    fields: Any, field: str, service: RouterService
) -> None:
    with pytest.raises(InputError) as caught:
        await service.open().initialize(wishes(**fields))
    assert caught.value.field == field


async def test_every_fault_of_a_configuration_is_named_at_once(service: RouterService) -> None:
    bad = wishes(
        log_level=6, timeout_ms=-1, max_tokens=0, temperature=float("nan"),
        language_preference="", additional_settings={"enable_logging": "maybe"},
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        await service.open().initialize(bad)
    assert set(caught.value.data["fields"]) == {
        "logLevel", "timeoutMs", "maxTokens", "temperature", "languagePreference",
        "additionalSettings.enable_logging",
    }  # fmt: skip
