"""The ollama and elevenlabs runners in the engine: chosen when set up, found by the environment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from breeze.config import parse_config
from breeze.contracts.answers import ChatAnswer, Speech, Transcription
from breeze.contracts.errors import NotFoundError
from breeze.contracts.requests import ChatRequest, SpeakRequest, TranscribeRequest
from breeze.engine.engine import Engine
from breeze.testing.media import wav
from breeze.testing.standins.elevenlabs import ElevenLabsStandin, voice_id
from breeze.testing.standins.ollama import OllamaStandin


@asynccontextmanager
async def engine(
    home: Path, capabilities: dict[str, Any], environ: dict[str, str]
) -> AsyncIterator[Engine]:
    lists = {name: {"runners": runners} for name, runners in capabilities.items()}
    config = parse_config({"capabilities": lists}).config
    async with Engine.open(home=home, config=config, environ=environ, ledger=False) as made:
        yield made


async def test_the_servers_own_variable_says_where_it_is(tmp_path: Path) -> None:
    async with OllamaStandin.serving() as vendor:
        environ = {"OLLAMA_HOST": f"0.0.0.0:{vendor.port}"}
        listed = {"LLM": {"local": {"class": "ollama", "modelId": "parrot"}}}
        async with engine(tmp_path, listed, environ) as made:
            found = await made.run(ChatRequest.of("Hi you"))
    assert isinstance(found, ChatAnswer)
    assert (found.text, found.runner) == ("You said: Hi you", "local")
    assert found.model.startswith("parrot")


async def test_a_server_next_door_is_asked_by_name_and_never_by_itself(tmp_path: Path) -> None:
    async with OllamaStandin.serving() as vendor:
        environ = {"OLLAMA_HOST": vendor.url}
        async with engine(tmp_path, {}, environ) as made:
            chosen = (await made.explain(ChatRequest.of("Hi"))).order
            assert all(choice.name != "ollama" for choice in chosen)
            named = ChatRequest.of("Hi you", runner="ollama", strict=True)
            assert (await made.run(named)).runner == "ollama"
    assert {call.json["model"] for call in vendor.calls if call.method == "POST"} == {
        "parrot:latest"
    }


async def test_when_one_server_lacks_the_model_the_next_is_asked(tmp_path: Path) -> None:
    async with OllamaStandin.serving() as first, OllamaStandin.serving() as second:
        listed = {
            "LLM": {
                "near": {"class": "ollama", "priority": 1, "modelId": "owl",
                         "parameters": {"base_url": first.url}},
                "far": {"class": "ollama", "priority": 2, "modelId": "parrot",
                        "parameters": {"base_url": second.url}},
            }
        }  # fmt: skip
        async with engine(tmp_path, listed, {}) as made:
            found = await made.run(ChatRequest.of("Hi you"))
            with pytest.raises(NotFoundError, match="ollama pull owl"):
                await made.run(ChatRequest.of("Hi", runner="near", strict=True))
    assert (found.runner, [attempt.code for attempt in found.attempts]) == ("far", ["E404"])


async def test_one_account_speaks_and_hears(tmp_path: Path) -> None:
    async with ElevenLabsStandin.serving() as vendor:
        at = {"base_url": vendor.url, "api_key": vendor.key}
        listed = {
            "TTS": {"voice": {"class": "elevenlabs", "modelId": "eleven_flash_v2_5",
                              "parameters": at | {"voice": "Ada"}}},
            "ASR": {"ears": {"class": "elevenlabs", "modelId": "scribe_v2", "parameters": at}},
        }  # fmt: skip
        async with engine(tmp_path, listed, {}) as made:
            speech = await made.run(SpeakRequest("Good morning", format="mp3"))
            said = await made.run(TranscribeRequest(audio=wav(1.0)))
    assert isinstance(speech, Speech)
    assert isinstance(said, Transcription)
    assert (speech.runner, speech.model, speech.format) == ("voice", "eleven_flash_v2_5", "mp3")
    assert (speech.metadata or {})["voice_used"] == voice_id(0)
    assert (said.runner, said.text) == ("ears", "one two")


async def test_the_vendors_key_goes_to_the_vendor_only(tmp_path: Path) -> None:
    """It is in the environment for the vendor's own host, not for the one configured here."""
    async with ElevenLabsStandin.serving() as vendor:
        listed = {"TTS": {"voice": {"class": "elevenlabs", "parameters": {"base_url": vendor.url}}}}
        async with engine(tmp_path, listed, {"ELEVENLABS_API_KEY": "canary-key"}) as made:
            with pytest.raises(Exception, match="api_key") as refused:
                await made.run(SpeakRequest("Hi", runner="voice", strict=True))
    assert "canary" not in repr(refused.value)
    assert all("canary" not in call.head.decode() for call in vendor.calls)
