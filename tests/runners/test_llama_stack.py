"""The llama_stack runner: what it finds out about a server, what it sends, what it refuses."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from breeze.contracts.answers import Embeddings, Moderation
from breeze.contracts.capability import Capability
from breeze.contracts.errors import (
    AuthenticationError,
    CapabilityError,
    InputError,
    NotFoundError,
    NotLoadedError,
    RateLimitError,
    RunnerError,
    UnavailableError,
    VersionError,
)
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest, EmbedRequest, ModerateRequest
from breeze.contracts.results import collect
from breeze.engine.registry import Registry
from breeze.runners._llama_stack_parameters import LlamaStackParameters
from breeze.testing.conformance import check_runner
from breeze.testing.media import png
from breeze.testing.standins.llama_stack import LlamaStackStandin
from tests.http.leavers import until
from tests.runners.stacking import PROFILES, answer, bodies, made, rehearsal, running

NEW, OLD = "0.7", "0.2.14"


@pytest.fixture
async def vendor() -> AsyncIterator[LlamaStackStandin]:
    async with LlamaStackStandin.serving(profile=NEW) as vendor:
        yield vendor


@pytest.fixture(params=PROFILES)
async def each(request: pytest.FixtureRequest) -> AsyncIterator[LlamaStackStandin]:
    async with LlamaStackStandin.serving(profile=request.param) as vendor:
        yield vendor


# what a server is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "version", "header", "path"),
    [
        ("ogx-1.5", "1.5.0", "x-ogx-client-version", "/v1/chat/completions"),
        ("0.7", "0.7.3", "x-llamastack-client-version", "/v1/chat/completions"),
        ("0.2.14", "0.2.14", "x-llamastack-client-version", "/v1/openai/v1/chat/completions"),
    ],
)
async def test_the_server_tells_what_it_is(
    profile: str, version: str, header: str, path: str
) -> None:
    async with LlamaStackStandin.serving(profile=profile) as vendor:
        async with running(vendor) as runner:
            found = await answer(runner)
    asked = [(call.method, call.path) for call in vendor.calls]
    assert asked[:3] == [
        ("GET", "/v1/version"), ("GET", "/v1/inspect/routes"), ("GET", "/v1/models")
    ]  # fmt: skip
    assert asked[3] == ("POST", path)
    assert vendor.calls[3].headers[header] == version
    assert (found.metadata or {})["llama_stack_version"] == version


@pytest.mark.parametrize("whole", [False, True])
async def test_an_answer(each: LlamaStackStandin, whole: bool) -> None:
    async with running(each) as runner:
        found = await answer(runner, ChatRequest.of("Hello there", whole=whole))
    assert found.text == "You said: Hello there"
    assert found.usage is not None
    model = each.form.chat_model
    seen = found.metadata or {}
    assert seen.pop("processing_time_ms") < 60_000  # a duration, not the time of day
    assert seen == {
        "model_name": model, "model_used": model, "inference_mode": "remote",
        "request_type": "LLM", "capability_type": "LLM", "endpoint_used": each.url,
        "llama_stack_version": each.form.version, "rag_sources_used": 0, "tools_available": 0,
    }  # fmt: skip


async def test_the_list_of_models_is_read_once(vendor: LlamaStackStandin) -> None:
    async with running(vendor) as runner:
        for _ in range(3):
            await answer(runner)
    assert [call.path for call in vendor.calls].count("/v1/models") == 1


async def test_a_server_that_changed_its_version_is_asked_what_it_is_now(
    vendor: LlamaStackStandin,
) -> None:
    async with running(vendor) as runner:
        await answer(runner)
        vendor.fault("version", on="POST /v1/chat")
        assert (await answer(runner)).text == "You said: Hi"
        vendor.fault("version", on="POST /v1/chat", times=2)
        with pytest.raises(VersionError):
            await answer(runner)


async def test_who_is_not_there_and_what_is_no_such_server_is_told_at_load(
    vendor: LlamaStackStandin,
) -> None:
    await vendor.stop_listening()
    with pytest.raises(UnavailableError) as gone:
        await made(endpoint=vendor.url).load("")
    assert gone.value.retryable
    await vendor.listen()
    vendor.lacks = ("/version", "/routes")
    with pytest.raises(UnavailableError, match="no Llama Stack or OGX server") as other:
        await made(endpoint=vendor.url).load("")
    assert other.value.field == "endpoint"
    vendor.problems.clear()  # it was asked what it does not serve
    await until(lambda: not vendor.open_connections)


async def test_a_server_that_hides_its_routes_is_taken_for_a_newer_one(
    vendor: LlamaStackStandin,
) -> None:
    vendor.lacks = ("/routes",)
    async with running(vendor) as runner:
        assert (await answer(runner)).text == "You said: Hi"
    vendor.problems.clear()


async def test_before_load_nothing_is_asked() -> None:
    with pytest.raises(NotLoadedError):
        await answer(made(endpoint="http://127.0.0.1:1"))


# what is sent -------------------------------------------------------------------------------


async def test_sampling_values_are_sent(each: LlamaStackStandin) -> None:
    async with running(each, max_tokens=7, temperature=0.1) as runner:
        await answer(runner)
        await answer(runner, ChatRequest.of("Hi", max_tokens=3, temperature=0.0, seed=4))
        await answer(runner, ChatRequest.of("Hi", params={"temperature": 1.5, "max_tokens": 9}))
    sent = bodies(each, "/chat/completions")
    assert [(b["temperature"], b["max_tokens"]) for b in sent] == [(0.1, 7), (0.0, 3), (1.5, 9)]
    assert (sent[1]["seed"], sent[0]["stream_options"]) == (4, {"include_usage": True})


def test_the_defaults_are_those_of_the_seed() -> None:
    p = made().parameters
    assert (p.endpoint, p.model_id) == ("https://api.llamastack.ai", "llama-3-70b-instruct")
    assert (p.temperature, p.max_tokens, p.key) == (0.7, 4096, "")
    assert (p.enable_vision, p.enable_rag, p.enable_agents) == (False, False, False)


@pytest.mark.parametrize(
    ("preset", "endpoint", "model", "vision"),
    [
        ("production", "https://api.llamastack.ai", "llama-3-70b-instruct", False),
        ("development", "http://localhost:8080", "llama-3-8b-instruct", False),
        ("vision", "https://api.llamastack.ai", "llama-3-90b-vision-instruct", True),
    ],
)
def test_presets(preset: str, endpoint: str, model: str, vision: bool) -> None:
    p = made(preset=preset).parameters
    assert (p.endpoint, p.model_id, p.enable_vision) == (endpoint, model, vision)
    own = made(preset=preset, endpoint="http://127.0.0.1:8321", model_id="mine").parameters
    assert (own.endpoint, own.model_id) == ("http://127.0.0.1:8321", "mine")


@pytest.mark.parametrize(
    ("endpoint", "root"),
    [
        ("http://127.0.0.1:8321", "http://127.0.0.1:8321"),
        ("http://127.0.0.1:8321/v1/", "http://127.0.0.1:8321"),
        ("https://stack.example/a/v1/openai/v1", "https://stack.example/a"),
    ],
)
def test_the_version_in_an_address_may_be_left_out(endpoint: str, root: str) -> None:
    assert made(endpoint=endpoint, api_key="k-1").parameters.root == root


@pytest.mark.parametrize(
    ("endpoint", "key", "level"),
    [
        ("http://127.0.0.1:8321", "", "valid"),
        ("http://localhost:8321", "k-1", "valid"),
        ("https://stack.example", "k-1", "valid"),
        ("http://stack.example", "k-1", "invalid"),
        ("http://10.0.0.4:8321", "", "invalid"),
        ("ftp://stack.example", "", "invalid"),
    ],
)
def test_https_is_demanded_of_other_machines(endpoint: str, key: str, level: str) -> None:
    found = LlamaStackParameters.validate_parameters({"endpoint": endpoint, "api_key": key})
    assert {f.field: f.level for f in found.findings}["endpoint"] == level


def test_a_key_is_needed_at_the_vendors_own_host_only() -> None:
    assert "no API key: set LLAMA_STACK_CLIENT_API_KEY" in (made().check() or "")
    assert made(api_key="k-1").check() is None
    assert made(endpoint="http://127.0.0.1:8321").check() is None
    (told,) = LlamaStackParameters.validate_parameters(
        {"endpoint": "https://stack.example"}
    ).warnings
    assert (told.field, told.message) == ("api_key", "stack.example may want a key")


async def test_the_key_goes_along_and_never_comes_back(vendor: LlamaStackStandin) -> None:
    async with running(vendor, api_key=" test-key\n") as runner:
        await answer(runner)
        vendor.fault("reflected")
        with pytest.raises(RunnerError) as caught:
            await answer(runner)
    assert {call.headers["authorization"] for call in vendor.calls} == {"Bearer test-key"}
    assert "test-key" not in f"{caught.value} {caught.value.info()}"
    with pytest.raises(AuthenticationError):
        await made(endpoint=vendor.url, api_key="wrong").load("")


# models ---------------------------------------------------------------------------------------


async def test_models_are_listed_with_what_they_can_do(each: LlamaStackStandin) -> None:
    async with running(each, enable_vision=True) as runner:
        loaded = await runner.models()
    assert await made(endpoint=each.url, enable_vision=True).models() == loaded
    able = {model.id.rpartition("/")[2]: model.capabilities for model in loaded}
    assert able["parrot"] == (Capability.LLM, Capability.VLM)
    assert able["words"] == (Capability.EMBEDDING,)
    assert able.get("guard", ()) == ((Capability.GUARDIAN,) if each.form.guards else ())


async def test_a_model_may_be_named_without_its_provider(each: LlamaStackStandin) -> None:
    async with running(each) as runner:
        for name in ("parrot", each.form.chat_model, "auto"):
            await answer(runner, ChatRequest.of("Hi", model=name))
        with pytest.raises(NotFoundError) as unknown:
            await answer(runner, ChatRequest.of("Hi", model="none"))
    assert unknown.value.field == "model"
    sent = bodies(each, "/chat/completions")
    assert [body["model"] for body in sent] == [each.form.chat_model] * 3 + ["none"]


async def test_a_chosen_model_counts_where_none_is_named(vendor: LlamaStackStandin) -> None:
    async with running(vendor, model_id="parrot") as runner:
        await answer(runner)
    async with running(vendor, model_id="other") as runner:
        with pytest.raises(NotFoundError):
            await answer(runner)


# pictures -------------------------------------------------------------------------------------

LOOK = Message("user", (TextPart("What is it?"), ImagePart(png(8, 8), "image/jpeg")))


@pytest.mark.parametrize("whole", [False, True])
async def test_a_picture_travels_as_what_its_bytes_are(
    each: LlamaStackStandin, whole: bool
) -> None:
    async with running(each, enable_vision=True) as runner:
        found = await answer(runner, ChatRequest((LOOK,), whole=whole))
    (body,) = bodies(each, "/chat/completions")
    part = body["messages"][0]["content"][1]
    data = base64.b64encode(png(8, 8)).decode()
    assert part["image_url"]["url"] == f"data:image/png;base64,{data}"
    assert "I see a picture" in found.text
    assert (found.metadata or {})["request_type"] == "VLM"


async def test_pictures_that_are_off_and_pictures_without_a_question(
    vendor: LlamaStackStandin,
) -> None:
    async with running(vendor) as runner:
        with pytest.raises(CapabilityError, match="set enable_vision"):
            await answer(runner, ChatRequest((LOOK,)))
    async with running(vendor, enable_vision=True) as runner:
        with pytest.raises(InputError, match="needs a question"):
            await answer(runner, ChatRequest((Message("user", (ImagePart(png(8, 8)),)),)))
        inside = Message("user", (TextPart("What?"), ImagePart(url="http://127.0.0.1:1/a.png")))
        with pytest.raises(InputError) as private:
            await answer(runner, ChatRequest((inside,)))
    assert private.value.field == "messages[0].content[1]"
    assert bodies(vendor, "/chat/completions") == []


# vectors and verdicts ---------------------------------------------------------------------------


async def test_embeddings(each: LlamaStackStandin) -> None:
    async with running(each) as runner:
        request = EmbedRequest.of("a", "sea", dimensions=4)
        found = await collect(runner.stream(request), Embeddings)
        await collect(runner.stream(EmbedRequest.of("a", model="words")), Embeddings)
    assert isinstance(found, Embeddings)
    assert [len(vector) for vector in found.vectors] == [16, 16]
    model = each.form.chat_model.replace("parrot", "words")
    assert bodies(each, "/embeddings")[0] == {
        "model": model, "input": ["a", "sea"], "encoding_format": "base64", "dimensions": 4,
    }  # fmt: skip
    assert bodies(each, "/embeddings")[1]["model"] == model


async def judged(runner: Any, text: str, **more: Any) -> Moderation:
    found = await collect(runner.stream(ModerateRequest(text, **more)), Moderation)
    assert isinstance(found, Moderation)
    return found


@pytest.mark.parametrize(("profile", "path"), [(NEW, "/moderations"), (OLD, "/run-shield")])
async def test_shields_judge(profile: str, path: str) -> None:
    async with LlamaStackStandin.serving(profile=profile) as vendor:
        async with running(vendor) as runner:
            fine = await judged(runner, "Good morning.")
            bad = await judged(runner, "I will kill you.", strictness="high", categories=("x",))
    assert (fine.status, fine.risk, fine.action) == ("SAFE", 0.0, "NONE")
    assert (bad.status, bad.risk, bad.action) == ("BLOCKED", 1.0, "BLOCK")
    assert bad.categories == ("violent_crimes",)
    assert [note.field for note in bad.adjustments] == ["strictness", "categories"]
    assert len(bodies(vendor, path)) == 2


async def test_a_shield_can_be_chosen(vendor: LlamaStackStandin) -> None:
    async with running(vendor, guardian_model="guard") as runner:
        assert (await judged(runner, "Good morning.")).status == "SAFE"
    async with running(vendor, guardian_model="other") as runner:
        with pytest.raises(InputError):
            await judged(runner, "Good morning.")
    assert [b["model"] for b in bodies(vendor, "/moderations")] == ["local/guard", "other"]


async def test_a_server_without_shields_says_so() -> None:
    async with LlamaStackStandin.serving(profile="ogx-1.5") as vendor:
        async with running(vendor) as runner:
            with pytest.raises(CapabilityError, match="neither moderations nor shields"):
                await judged(runner, "Good morning.")


# errors, and the rest of the house ---------------------------------------------------------------


async def test_refusals_have_their_kind(each: LlamaStackStandin) -> None:
    async with running(each) as runner:
        each.fault("rate-limit", on="POST")
        with pytest.raises(RateLimitError):
            await answer(runner)
        each.fault("context", on="POST")
        with pytest.raises(InputError) as long:
            await answer(runner)
        each.fault("stream-error", on="POST", kind="rate_limit", after=2)
        with pytest.raises(RateLimitError):
            await answer(runner)
    assert long.value.detail == "context_length_exceeded"


@pytest.mark.parametrize(
    "written",
    [
        "llama_stack",
        "LlamaStackRunner",
        "com.mtkresearch.breezeapp.engine.runner.llamastack.LlamaStackRunner",
    ],
)
def test_the_names_of_the_seeds_lead_here(written: str) -> None:
    assert Registry().resolve(written) == "llama_stack"


@pytest.mark.parametrize("profile", [NEW, OLD])
async def test_it_passes_the_kit(profile: str) -> None:
    async with AsyncExitStack() as stack:
        settings, samples = await rehearsal(stack, profile)
        report = await check_runner(type(made()), settings, samples=samples)
    assert report.ok, report.render()


async def test_it_passes_the_kit_where_there_are_no_shields() -> None:
    kind = type(made())
    async with AsyncExitStack() as stack:
        settings, samples = await rehearsal(stack, "ogx-1.5")
        others = set(kind.info.capabilities) - {Capability.GUARDIAN}
        report = await check_runner(kind, settings, samples=samples, capabilities=others)
    assert report.ok, report.render()
