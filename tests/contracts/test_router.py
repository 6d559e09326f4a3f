"""The router contract of seeds/004, name by name and value by value."""

from __future__ import annotations

import base64
import json
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breeze.contracts.router import (
    API_MINOR,
    API_VERSION,
    INLINE_LIMIT,
    REQUEST_TYPE_ALIASES,
    SUPPORTED,
    AIRequest,
    AIResponse,
    AITaskType,
    BinaryData,
    Configuration,
    ContentType,
    LogLevel,
    MetadataKey,
    OptionKey,
    RequestType,
    ResponseState,
    RunnerType,
    RuntimeBackend,
    ServiceCapability,
    SettingKey,
)


def plain(value: msgspec.Struct) -> Any:
    return json.loads(msgspec.json.encode(value))


def test_the_version_is_two_point_one_and_one_is_still_served() -> None:
    assert (API_VERSION, API_MINOR, SUPPORTED) == (2, 1, (1, 2))


def test_a_configuration_has_the_seeds_names_and_defaults() -> None:
    assert plain(Configuration()) == {
        "apiVersion": 1,
        "logLevel": 0,
        "preferredRuntime": "AUTO",
        "runnerConfigurations": {
            "TEXT_GENERATION": "DEFAULT",
            "IMAGE_ANALYSIS": "DEFAULT",
            "SPEECH_RECOGNITION": "DEFAULT",
        },
        "defaultModelName": "",
        "languagePreference": "en",
        "timeoutMs": 30_000,
        "maxTokens": 1024,
        "temperature": 0.7,
        "additionalSettings": {},
    }


def test_two_configurations_do_not_share_their_runners() -> None:
    first, second = Configuration(), Configuration()
    first.runner_configurations[AITaskType.TEXT_GENERATION] = RunnerType.MOCK
    assert second.runner_configurations[AITaskType.TEXT_GENERATION] is RunnerType.DEFAULT


def test_the_seeds_own_configuration_is_read() -> None:
    sent = {
        "apiVersion": 2,
        "logLevel": 3,
        "preferredRuntime": "GPU",
        "runnerConfigurations": {
            "TEXT_GENERATION": "EXECUTORCH",
            "IMAGE_ANALYSIS": "ONNX",
            "SPEECH_RECOGNITION": "SYSTEM",
        },
        "defaultModelName": "gpt-3.5-turbo",
        "languagePreference": "zh-TW",
        "timeoutMs": 45000,
        "maxTokens": 2048,
        "temperature": 0.8,
        "additionalSettings": {"enable_logging": "true", "model_path_text_generation": "/llm.bin"},
    }
    read = msgspec.json.decode(json.dumps(sent), type=Configuration)
    assert read.preferred_runtime is RuntimeBackend.GPU
    assert read.runner_configurations[AITaskType.IMAGE_ANALYSIS] is RunnerType.ONNX
    assert plain(read) == sent


def test_a_request_has_the_seeds_names() -> None:
    request = AIRequest(
        id="r1",
        text="What is in this image?",
        session_id="s1",
        timestamp=1_700_000_000_000,
        api_version=2,
        binary_attachments=(BinaryData("image/jpeg", b"\xff\xd8", {"width": "2"}),),
        options={OptionKey.REQUEST_TYPE: RequestType.IMAGE_ANALYSIS},
    )
    assert plain(request) == {
        "id": "r1",
        "text": "What is in this image?",
        "sessionId": "s1",
        "timestamp": 1_700_000_000_000,
        "apiVersion": 2,
        "binaryAttachments": [
            {
                "type": "image/jpeg",
                "data": base64.b64encode(b"\xff\xd8").decode(),
                "metadata": {"width": "2"},
            }
        ],
        "options": {"request_type": "image_analysis"},
    }


def test_the_smallest_request_of_an_old_client_is_read() -> None:
    sent = b'{"id":"r1","text":"Hi","sessionId":"s1","timestamp":1,"unknownField":true}'
    read = msgspec.json.decode(sent, type=AIRequest)
    assert (read.api_version, read.binary_attachments, read.options) == (1, (), {})


def test_a_response_has_the_seeds_names() -> None:
    response = AIResponse(request_id="r1", text="", is_complete=True, state=ResponseState.ERROR)
    assert plain(response) == {
        "requestId": "r1",
        "text": "",
        "isComplete": True,
        "state": "ERROR",
        "apiVersion": 2,
        "binaryAttachments": [],
        "metadata": {},
        "error": None,
    }


ENUMS: list[tuple[type[StrEnum], str]] = [
    (RuntimeBackend, "AUTO CPU GPU NPU"),
    (
        AITaskType,
        "TEXT_GENERATION IMAGE_ANALYSIS SPEECH_RECOGNITION SPEECH_SYNTHESIS CONTENT_MODERATION",
    ),
    (RunnerType, "DEFAULT MOCK EXECUTORCH ONNX MTK_APU LLAMA_CPP SYSTEM"),
    (ResponseState, "PROCESSING STREAMING COMPLETED ERROR"),
    (
        SettingKey,
        (
            "enable_logging cache_models max_cache_size_mb enable_streaming enable_guardrails "
            "model_path_ runner_config_"
        ),
    ),
    (
        RequestType,
        (
            "text_chat image_analysis audio_transcription multimodal speech_synthesis "
            "content_moderation"
        ),
    ),
    (OptionKey, "request_type model_name max_tokens temperature language runner"),
    (MetadataKey, "model_name processing_time_ms token_count runtime_backend"),
    (ContentType, "image/jpeg image/png audio/wav audio/mp3 application/octet-stream"),
    (
        ServiceCapability,
        (
            "binary_data streaming image_processing audio_processing executorch_runner onnx_runner "
            "mtk_apu_runner"
        ),
    ),
]


@pytest.mark.parametrize(("kind", "values"), ENUMS)
def test_the_values_on_the_wire(kind: type[StrEnum], values: str) -> None:
    assert [*kind] == values.split()


def test_log_levels_are_numbers() -> None:
    assert [(level.name, level.value) for level in LogLevel] == [
        ("OFF", 0), ("ERROR", 1), ("WARN", 2), ("INFO", 3), ("DEBUG", 4), ("VERBOSE", 5),
    ]  # fmt: skip


def test_the_older_name_of_a_request_type_is_known() -> None:
    assert REQUEST_TYPE_ALIASES["speech_recognition"] is RequestType.AUDIO_TRANSCRIPTION


def test_inline_attachments_are_a_mebibyte_at_most() -> None:
    assert INLINE_LIMIT == 1_048_576


@pytest.mark.parametrize(
    ("kind", "fallback"),
    [
        (RuntimeBackend, "AUTO"),
        (AITaskType, "TEXT_GENERATION"),
        (RunnerType, "DEFAULT"),
        (ResponseState, "ERROR"),
    ],
)
def test_an_unknown_name_falls_back_as_the_seed_says(kind: type[StrEnum], fallback: str) -> None:
    strangers: tuple[Any, ...] = ("TPU", "", None, 7, fallback.lower())
    for unknown in strangers:
        assert kind(unknown) == fallback
        assert msgspec.json.decode(msgspec.json.encode(str(unknown)), type=kind) == fallback
    for member in kind:
        assert kind(member.value) is member


@given(st.binary(), st.dictionaries(st.text(), st.text(), max_size=3))
def test_bytes_come_back_the_same_and_compare(data: bytes, metadata: dict[str, str]) -> None:
    sent = BinaryData("audio/wav", data, metadata)
    for module in (msgspec.json, msgspec.msgpack):
        assert module.decode(module.encode(sent), type=BinaryData) == sent
    assert sent != BinaryData("audio/wav", data + b"x", metadata)
