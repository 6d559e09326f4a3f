"""The work commands: the answer on standard output, everything beside it on standard error."""

from __future__ import annotations

import json
import struct

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.events import Finish, TextDelta
from tests.cli.conftest import Shell


def test_chat_writes_the_answer_and_nothing_else_to_standard_output(mocked: Shell) -> None:
    done = mocked("chat", "hello there", "--param", "response_style=formal")
    assert done.code == 0
    assert done.text.startswith("This is a mock answer")
    assert "hello there" in done.text
    assert done.text.endswith(".\n")
    assert done.text.count("\n") == 1


def test_a_mock_is_called_one_in_clear_words(mocked: Shell) -> None:
    done = mocked("chat", "hello")
    assert "answered by mock_llm" in done.err
    assert "MOCK: no AI took part" in done.err


def test_a_dash_reads_standard_input(mocked: Shell) -> None:
    done = mocked("chat", "-", stdin="good evening\n")
    assert "“good evening”" in done.text


def test_text_that_is_not_utf_8_is_refused(mocked: Shell) -> None:
    done = mocked("chat", "-", stdin=b"caf\xe9")
    assert done.code == 2
    assert "not UTF-8" in done.err


def test_options_become_fields_of_the_request(mocked: Shell) -> None:
    done = mocked("chat", "hello", "--max-tokens", "2", "--param", "response_style=formal")
    assert done.text.split() == ["This", "is"]


def test_what_was_not_used_is_noted(mocked: Shell) -> None:
    done = mocked("chat", "hello", "--temperature", "0.5")
    assert done.code == 0
    assert "note: temperature 0.5 was not used: a mock answers by rule" in done.err


def test_a_schema_binds_the_answer(mocked: Shell) -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    (mocked.folder / "schema.json").write_text(json.dumps(schema))
    done = mocked("chat", "how old?", "--schema", "schema.json")
    assert isinstance(json.loads(done.text)["age"], int)


def test_draw_writes_a_picture_and_see_looks_at_it(mocked: Shell) -> None:
    drawn = mocked("draw", "a tower", "-o", "tower.png", "--size", "96x64", "--seed", "5")
    assert (drawn.code, drawn.text) == (0, "tower.png\n")
    header = (mocked.folder / "tower.png").read_bytes()[:24]
    assert struct.unpack(">II", header[16:]) == (96, 64)
    seen = mocked("see", "tower.png", "What is it?")
    assert "96 by 64 pixels" in seen.text
    assert "mock_vlm" in seen.err


def test_chat_with_a_picture_is_a_question_about_it(mocked: Shell) -> None:
    mocked("draw", "a tower", "-o", "tower.png", "--size", "96x64")
    done = mocked("chat", "What is it?", "--image", "tower.png")
    assert "answered by mock_vlm" in done.err


def test_several_pictures_are_numbered(mocked: Shell) -> None:
    done = mocked("draw", "towers", "-o", "t.png", "--size", "16x16", "--count", "2")
    assert done.text.split() == ["t-1.png", "t-2.png"]
    assert sorted(path.name for path in mocked.folder.iterdir()) == ["t-1.png", "t-2.png"]


def test_without_a_name_nothing_is_overwritten(mocked: Shell) -> None:
    first = mocked("draw", "a tower", "--size", "16x16")
    second = mocked("draw", "a tower", "--size", "16x16")
    assert (first.text, second.text) == ("picture.png\n", "picture-2.png\n")


def test_embed_says_how_alike_texts_are(mocked: Shell) -> None:
    done = mocked("embed", "a red lamp", "a red lamp", "the sea", "--dimensions", "64")
    assert done.text.count("64 dimensions") == 3
    assert "+1.0000 'a red lamp' and 'a red lamp'" in done.text


def test_embed_reads_a_text_a_line_and_gives_every_number(mocked: Shell) -> None:
    done = mocked("embed", "-", "--numbers", "--dimensions", "16", stdin="one\n\ntwo\n")
    vectors = [json.loads(line) for line in done.text.splitlines()]
    assert [len(vector) for vector in vectors] == [16, 16]


def test_rerank_puts_the_best_first_and_says_by_what(breeze: Shell) -> None:
    texts = "stocks fell\n\na cat sat down\n"
    done = breeze("rerank", "the cat sat", "-", "--runner", "hashing", stdin=texts)
    assert [line.split(maxsplit=1)[1] for line in done.text.splitlines()] == [
        "a cat sat down", "stocks fell",
    ]  # fmt: skip
    assert done.err.startswith("cosine of vectors by hashing/")
    how = ("--runner", "hashing", "--top", "1", "--json")
    best = breeze("rerank", "the cat sat", "stocks", "cats sat", *how)
    (line,) = best.text.splitlines()
    assert (json.loads(line)["index"], json.loads(line)["text"]) == (1, "cats sat")
    assert breeze("rerank", "cats", " ").code == 2


def test_json_is_one_event_a_line_and_adds_up(mocked: Shell) -> None:
    done = mocked("chat", "hello", "--json")
    *pieces, last = done.events
    assert isinstance(last, Finish)
    assert isinstance(last.result, ChatAnswer)
    assert last.result.mock
    assert last.result.runner == "mock_llm"
    assert "".join(e.text for e in pieces if isinstance(e, TextDelta)) == last.result.text
    assert done.err == ""


def test_a_parameter_for_one_instance_only(mocked: Shell) -> None:
    done = mocked("chat", "hi", "--param", "mock_llm.predefined_responses=Good day")
    assert done.text == "Good day\n"
