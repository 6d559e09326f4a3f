"""Answers from files: put on the server once, searched there, cited, and removed in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import InputError, TooLargeError
from breeze.contracts.events import Adjusted, Progress
from breeze.contracts.messages import FilePart, Message, TextPart
from breeze.contracts.requests import ChatRequest
from breeze.runners._llama_stack_parameters import LlamaStackParameters
from breeze.testing.standins.llama_stack import LlamaStackStandin
from tests.http.leavers import until
from tests.runners.stacking import PROFILES, answer, bodies, running

QUESTION = "What is the dog called?"
SAID = "It is written: The dog is called Bruno."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, and one outside."""
    inside = tmp_path / "kb"
    inside.mkdir()
    (inside / "pets.txt").write_text("The cat is called Mimi. The dog is called Bruno.")
    (inside / "lamps.txt").write_text("The lamp is green.")
    (tmp_path / "secret.txt").write_text("The code is 4711.")
    return inside


@pytest.fixture(params=PROFILES)
async def each(request: pytest.FixtureRequest) -> AsyncIterator[LlamaStackStandin]:
    async with LlamaStackStandin.serving(profile=request.param) as vendor:
        yield vendor


@pytest.fixture
async def vendor() -> AsyncIterator[LlamaStackStandin]:
    async with LlamaStackStandin.serving(profile="0.7") as vendor:
        yield vendor


def searching(folder: Path, **more: Any) -> dict[str, Any]:
    return {"enable_rag": True, "rag_folder": str(folder), "rag_sources": "pets.txt", **more}


def calls(vendor: LlamaStackStandin, method: str, end: str) -> int:
    return sum(c.method == method and c.path.endswith(end) for c in vendor.calls)


@pytest.mark.parametrize("whole", [False, True])
async def test_the_server_searches_and_the_source_is_cited(
    each: LlamaStackStandin, folder: Path, whole: bool
) -> None:
    async with running(each, **searching(folder)) as runner:
        found = await answer(runner, ChatRequest.of(QUESTION, whole=whole))
    assert (found.text, found.finish_reason, found.adjustments) == (SAID, "stop", ())
    seen = found.metadata or {}
    assert (seen["request_type"], seen["rag_sources_used"]) == ("RAG", 1)
    first = seen["sources"][0]
    assert (first["source"], first["text"]) == ("pets.txt", "The dog is called Bruno.")
    assert first["cited"] is not each.form.old  # old servers cite nothing
    assert seen["server_tool_calls"] == [
        {"tool": "file_search", "queries": [QUESTION], "status": "completed"}
    ]


async def test_what_is_asked_of_the_server(vendor: LlamaStackStandin, folder: Path) -> None:
    async with running(vendor, **searching(folder, rag_results=3)) as runner:
        await answer(runner, ChatRequest.of(QUESTION, system="Be short.", max_tokens=50))
    (body,) = bodies(vendor, "/responses")
    assert body == {
        "model": "local/parrot",
        "input": [{"type": "message", "role": "user", "content": QUESTION}],
        "instructions": "Be short.", "temperature": 0.7, "stream": True, "store": False,
        "max_infer_iters": 10, "max_output_tokens": 50,
        "tools": [{"type": "file_search", "vector_store_ids": ["vs_2"], "max_num_results": 3}],
        "tool_choice": {"type": "file_search"}, "include": ["file_search_call.results"],
    }  # fmt: skip
    upload = next(c for c in vendor.calls if c.path == "/v1/files")
    assert [(p.name, p.filename, p.text) for p in upload.form] == [
        ("purpose", "", "assistants"),
        ("file", "pets.txt", "The cat is called Mimi. The dog is called Bruno."),
    ]


async def test_the_model_may_be_left_to_decide(vendor: LlamaStackStandin, folder: Path) -> None:
    async with running(vendor, **searching(folder, rag_search="auto")) as runner:
        await answer(runner, QUESTION)
    assert "tool_choice" not in bodies(vendor, "/responses")[0]


async def test_older_servers_are_told_the_model_and_not_what_they_do_not_know(
    folder: Path,
) -> None:
    async with LlamaStackStandin.serving(profile="0.2.14") as vendor:
        async with running(vendor, **searching(folder)) as runner:
            asked = ChatRequest.of(QUESTION, max_tokens=40, top_p=0.5, stop=("x",), n=2)
            found = await answer(runner, asked)
    assert [note.field for note in found.adjustments] == ["stop", "n", "max_tokens", "top_p"]
    (body,) = bodies(vendor, "/responses")
    assert body.keys() == {
        "model", "input", "temperature", "stream", "store", "max_infer_iters", "tools"
    }  # fmt: skip
    (store,) = bodies(vendor, "/vector_stores")
    assert (store["embedding_model"], store["embedding_dimension"]) == ("words", 8)


async def test_a_file_is_put_there_once_and_removed_at_unload(
    each: LlamaStackStandin, folder: Path
) -> None:
    async with running(each, **searching(folder)) as runner:
        await asyncio.gather(*(answer(runner, QUESTION) for _ in range(5)))
        (folder / "copy.txt").write_bytes((folder / "pets.txt").read_bytes())
        await answer(runner, ChatRequest.of(QUESTION, params={"rag_sources": ["copy.txt"]}))
        assert calls(each, "POST", "/v1/files") == calls(each, "POST", "/vector_stores") == 1
        (folder / "pets.txt").write_text("The dog is called Rex.")
        assert (await answer(runner, QUESTION)).text == "It is written: The dog is called Rex."
        assert calls(each, "POST", "/v1/files") == 2
    assert each.stores.found(["vs_2"], QUESTION, 9) == []
    assert not each.stores.kept


async def test_of_many_sources_the_least_used_make_room(
    vendor: LlamaStackStandin, folder: Path
) -> None:
    async with running(vendor, **searching(folder, rag_kept=1)) as runner:
        both = ChatRequest.of(QUESTION, params={"rag_sources": "pets.txt\nlamps.txt"})
        assert (await answer(runner, both)).text == SAID  # both, however few are kept
        (folder / "more.txt").write_text("The sea is wide.")
        await answer(runner, ChatRequest.of("Is the sea wide?", params={"rag_sources": "more.txt"}))
        assert len(vendor.stores.kept) == 2  # one file, one store
    assert not vendor.stores.kept


async def test_attached_files_are_sources_too(each: LlamaStackStandin) -> None:
    part = FilePart(b"The fish is called Finn.", "text/plain", "fish.txt")
    message = Message("user", (TextPart("What is the fish called?"), part))
    async with running(each, enable_rag=True) as runner:
        found = await answer(runner, ChatRequest((message,)))
    assert found.text == "It is written: The fish is called Finn."
    assert (found.metadata or {})["sources"][0]["source"] == "fish.txt"
    content = bodies(each, "/responses")[0]["input"][0]["content"]
    assert content == [{"type": "input_text", "text": "What is the fish called?"}]


async def test_progress_is_told(vendor: LlamaStackStandin, folder: Path) -> None:
    vendor.stores.pending = 2  # looks before a file is read in
    async with running(vendor, **searching(folder)) as runner:
        events = [e async for e in runner.stream(ChatRequest.of(QUESTION))]
    stages = [(e.stage, e.done, e.total) for e in events if isinstance(e, Progress)]
    assert stages == [
        ("upload", 0, 1), ("upload", 1, 1), ("file_search", 0, 0), ("file_search", 1, 0)
    ]  # fmt: skip
    assert calls(vendor, "GET", "/files/file-1") == 2


# what cannot be done is said ----------------------------------------------------------------------


async def test_sources_without_rag_are_reported(vendor: LlamaStackStandin) -> None:
    async with running(vendor) as runner:
        found = await answer(runner, ChatRequest.of("Hi", params={"rag_sources": ["a.txt"]}))
    (note,) = found.adjustments
    assert (note.field, note.asked, note.used) == ("params.rag_sources", ["a.txt"], [])
    assert found.text == "You said: Hi"


async def test_a_search_that_found_nothing_is_reported(
    vendor: LlamaStackStandin, folder: Path
) -> None:
    async with running(vendor, **searching(folder)) as runner:
        found = await answer(runner, "Who wrote Hamlet?")
    assert [(n.field, n.used) for n in found.adjustments] == [("params.rag_sources", [])]
    assert (found.metadata or {})["rag_sources_used"] == 0


@pytest.mark.parametrize("whole", [False, True])
async def test_where_the_server_cannot_search_the_text_goes_into_the_prompt(
    vendor: LlamaStackStandin, folder: Path, whole: bool
) -> None:
    vendor.lacks = ("/responses",)
    async with running(vendor, **searching(folder)) as runner:
        found = await answer(runner, ChatRequest.of(QUESTION, whole=whole))
        (folder / "pets.txt").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(InputError, match="is no text"):
            await answer(runner, QUESTION)
    (note,) = found.adjustments
    assert (note.field, note.used) == ("params.rag_sources", "their text in the prompt")
    assert "/responses" in note.why
    system, user = bodies(vendor, "/chat/completions")[0]["messages"]
    assert system["role"] == "system"
    assert "[pets.txt]\nThe cat is called Mimi. The dog is called Bruno." in system["content"]
    assert user["content"] == QUESTION
    assert (found.metadata or {})["rag_sources_used"] == 1


async def test_what_of_the_sources_a_prompt_cannot_hold_is_said(
    vendor: LlamaStackStandin, folder: Path
) -> None:
    vendor.lacks = ("/responses",)
    (folder / "long.txt").write_text("y" * 31_990 + " and its end")
    (folder / "more.txt").write_text("More.")
    sources = ["long.txt", "more.txt"]
    async with running(vendor, enable_rag=True, rag_folder=str(folder)) as runner:
        asked = ChatRequest.of(QUESTION, params={"rag_sources": sources})
        found = await answer(runner, asked)
        fitting = await answer(runner, ChatRequest.of(QUESTION, params={"rag_sources": "more.txt"}))
    notes = [(note.field, note.asked, note.used) for note in found.adjustments]
    assert notes[1:] == [("params.rag_sources", "32007 characters", "the first 32000")]
    assert "[more.txt]" not in bodies(vendor, "/chat/completions")[0]["messages"][0]["content"]
    assert (found.metadata or {})["rag_sources_used"] == 1
    assert len(fitting.adjustments) == 1


@pytest.mark.parametrize("name", ["../secret.txt", "link.txt", "none.txt", "", "a\0b"])
async def test_no_file_outside_the_folder_can_be_named(
    vendor: LlamaStackStandin, folder: Path, name: str
) -> None:
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    name = name or str(folder.parent / "secret.txt")
    async with running(vendor, **searching(folder)) as runner:
        with pytest.raises(InputError, match="rag_folder holds no file") as caught:
            await answer(runner, ChatRequest.of(QUESTION, params={"rag_sources": [name]}))
    assert caught.value.field == "params.rag_sources"
    assert calls(vendor, "POST", "/files") == 0


async def test_other_sources_that_cannot_be(vendor: LlamaStackStandin, folder: Path) -> None:
    (folder / "odd.bin").write_bytes(b"\xff\xfe\x00")
    many = [f"{i}.txt" for i in range(33)]
    async with running(vendor, enable_rag=True) as runner:
        with pytest.raises(InputError, match="set rag_folder"):
            await answer(runner, ChatRequest.of(QUESTION, params={"rag_sources": "pets.txt"}))
        here = f"{vendor.url}/notes.txt"
        with pytest.raises(InputError):  # a place of this network
            await answer(runner, ChatRequest.of(QUESTION, params={"rag_sources": here}))
    async with running(vendor, **searching(folder)) as runner:
        with pytest.raises(TooLargeError):
            await answer(runner, ChatRequest.of(QUESTION, params={"rag_sources": many}))
        with pytest.raises(InputError, match=r"cannot read 'odd\.bin' in: no text"):
            await answer(runner, ChatRequest.of(QUESTION, params={"rag_sources": "odd.bin"}))
    assert not vendor.stores.kept  # what failed is removed as well


def test_files_without_a_folder_are_warned_of(folder: Path) -> None:
    found = LlamaStackParameters.validate_parameters(
        {"endpoint": "http://127.0.0.1:1", "enable_rag": True, "rag_sources": "pets.txt"}
    )
    assert [w.field for w in found.warnings] == ["rag_sources"]


# leaving ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["/files", "/vector_stores", "/responses"])
async def test_leaving_closes_the_connection_at_once_and_leaves_nothing(
    vendor: LlamaStackStandin, folder: Path, where: str
) -> None:
    vendor.fault("slow-head", on=f"POST /v1{where}")
    async with running(vendor, **searching(folder)) as runner:
        events = runner.stream(ChatRequest.of(QUESTION))
        async with aclosing(events):
            reading = asyncio.ensure_future(anext_all(events))
            await until(lambda: any(call.fault for call in vendor.calls))
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        async with asyncio.timeout(0.1):
            await vendor.idle()
        assert runner.work.active == 0
        assert (await answer(runner, QUESTION)).text == SAID
    assert not vendor.stores.kept or where == "/files"


async def anext_all(events: Any) -> list[Any]:
    return [event async for event in events if not isinstance(event, Adjusted)]
