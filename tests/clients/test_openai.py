"""The official client, in its current major version and the two before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.conftest import Seen

pytestmark = pytest.mark.timeout(900)  # the first run installs the clients
OSLO = "The capital of Norway is Oslo."
SAID = "children were playing football in the park"
SIGN = "It says “STOP” (white on red, centre) and “Road closed” (white on green, bottom)."
PNG = "89504e470d0a1a0a"
EVERYWHERE = ("openai_chat", "openai_texts", "openai_speaking", "openai_errors")


@pytest.fixture(scope="module", params=["openai", "openai-2", "openai-1"])
def seen(request: pytest.FixtureRequest, examples: Callable[..., Seen]) -> Seen:
    """What every version does."""
    newest = ("openai_hearing", "openai_async") if request.param == "openai" else ()
    return examples(request.param, *EVERYWHERE, *newest)


@pytest.fixture(scope="module")
def newest(examples: Callable[..., Seen]) -> Seen:
    """What the current version does; hearing takes a while."""
    return examples("openai", *EVERYWHERE, "openai_hearing", "openai_async")


def test_a_whole_answer(seen: Seen) -> None:
    answer = seen["openai_chat.whole"]
    assert answer["choices"][0]["message"]["content"] == OSLO
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert (answer["model"], answer["object"]) == ("breeze-tiny", "chat.completion")
    assert answer["id"] == f"chatcmpl-{answer['request_id']}"
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert seen["openai_chat.chosen_by_the_engine"] == OSLO


def test_a_stream_holds_the_same_and_its_usage_once(seen: Seen) -> None:
    streamed = seen["openai_chat.streamed"]
    total = seen["openai_chat.whole"]["usage"]["total_tokens"]
    assert (streamed["text"], streamed["ends"], streamed["usage"]) == (OSLO, "stop", [total])
    assert streamed["chunks"] > 5


def test_the_helper_for_streams(seen: Seen) -> None:
    found = seen["openai_chat.helper_for_streams"]
    assert found["text"] == OSLO
    assert {*found["kinds"]} == {"chunk", "content.delta", "content.done"}


def test_headers_say_who_answered(seen: Seen) -> None:
    found = seen["openai_chat.headers"]
    assert found["id"] == f"chatcmpl-{found['x-request-id']}"
    assert (found["x-breeze-runner"], found["x-breeze-model"]) == ("llamacpp", "breeze-tiny")
    assert found["content-type"] == "application/json"
    streamed = seen["openai_chat.headers_of_a_stream"]
    assert streamed == {"runner": "llamacpp", "last": "data: [DONE]"}


def test_options_are_followed(seen: Seen) -> None:
    found = seen["openai_chat.options"]
    assert found["choices"] == [[0, "length"], [1, "length"]]
    assert found["logprobs"] == [[2, True]] * 4


def test_answers_that_obey_a_schema(seen: Seen) -> None:
    assert seen["openai_chat.structured"] == "Sure"
    assert seen["openai_chat.structured_stream"] == "Sure"
    assert isinstance(seen["openai_chat.any_object"], dict)


def test_tools_are_called_and_told_about(seen: Seen) -> None:
    oslo = ["weather", {"city": "Oslo"}]
    found = seen["openai_chat.tools_loop"]
    text = "Take a hat with you."
    assert found == {"calls": [[*oslo, "tool_calls"]], "ends": "stop", "text": text}
    assert seen["openai_chat.tools_streamed"] == oslo


def test_a_picture_is_looked_at(seen: Seen) -> None:
    assert seen["openai_chat.vision"] == {"whole": SIGN, "streamed": SIGN}


def test_closing_a_stream_stops_the_work(seen: Seen) -> None:
    found = seen["openai_chat.cancelled_by_closing"]
    assert (found["before"], found["after"]) == (True, False)
    assert found["seconds"] < 2


def test_completions(seen: Seen) -> None:
    assert seen["openai_texts.completion"] == OSLO
    streamed = seen["openai_texts.completion_streamed"]
    assert (streamed["text"], len(streamed["usage"])) == (OSLO, 1)


def test_embeddings(seen: Seen) -> None:
    found = seen["openai_texts.embeddings"]
    assert found["index"] == [0, 1, 2]
    assert found["near"] > 0.5 > found["far"]
    assert seen["openai_texts.embeddings_as_numbers"] == 0
    assert seen["openai_texts.embeddings_of_a_size"] == 64


def test_moderations(seen: Seen) -> None:
    found = seen["openai_texts.moderation"]
    assert found["flagged"] == [False, True]
    assert found["violence"][0] is True
    assert found["categories"] == 13


def test_models(seen: Seen) -> None:
    found = seen["openai_texts.models"]
    assert {"auto", "llamacpp", "llamacpp/breeze-tiny", "pocketsphinx"} <= {*found["ids"]}
    assert found["one"][:2] == ["llamacpp/breeze-tiny", "model"]
    assert found["request_ids"] == [True, True]


def test_pictures(seen: Seen) -> None:
    assert seen["openai_texts.pictures"] == [PNG, PNG]
    assert seen["openai_texts.pictures_streamed"] == [
        ["image_generation.completed", "64x64", "iVBORw"]
    ]


def test_speech(seen: Seen) -> None:
    assert seen["openai_speaking.said_as_mp3"][0] == "audio/mpeg"
    *form, seconds = seen["openai_speaking.said_as_wav"]
    assert form == [1, 2]
    others = [
        seen["openai_speaking.said_as_samples"],
        seen["openai_speaking.said_piece_by_piece"]["seconds"],
        seen["openai_speaking.said_in_events"]["seconds"],
    ]
    assert others == pytest.approx([seconds] * 3, abs=0.05)
    assert seconds > 1
    assert seen["openai_speaking.said_in_events"]["done"] == "speech.audio.done"


def test_hearing(newest: Seen) -> None:
    assert newest["openai_hearing.heard"] == {"text": SAID, "request_id": True}
    assert newest["openai_hearing.heard_as_text"] == f"{SAID}\n"
    srt = newest["openai_hearing.heard_as_srt"]
    assert srt.startswith("1\n00:00:0")
    assert srt.endswith(f"\n{SAID}\n\n")
    assert newest["openai_hearing.heard_as_vtt"].startswith("WEBVTT\n\n00:00:0")
    times = newest["openai_hearing.heard_with_times"]
    assert (times["words"], times["segments"]) == (SAID.split(), 1)
    assert times["seconds"] == pytest.approx(2.7, abs=0.1)


def test_hearing_as_it_is_said(newest: Seen) -> None:
    found = newest["openai_hearing.heard_as_it_is_said"]
    assert found["kinds"][-1] == "transcript.text.done"
    assert {*found["kinds"][:-1]} == {"transcript.text.delta"}
    assert found["deltas"] == found["text"] == SAID


def test_translations(newest: Seen) -> None:
    assert newest["openai_hearing.translated"] == SAID


ERRORS = [
    ("wrong_key", "AuthenticationError", 401, "invalid_api_key", None),
    ("wrong_key_for_a_stream", "AuthenticationError", 401, "invalid_api_key", None),
    ("not_allowed", "PermissionDeniedError", 403, "E401", None),
    ("runner_that_fails", "InternalServerError", 500, "E101", None),
    ("runner_that_is_slow", "InternalServerError", 504, "timeout", None),
    ("unknown_model", "NotFoundError", 404, "model_not_found", "model"),
    ("unknown_model_by_name", "NotFoundError", 404, "model_not_found", "model"),
    ("unknown_route", "NotFoundError", 404, "unknown_route", None),
    ("wrong_value", "BadRequestError", 400, None, "temperature"),
    ("unknown_field", "BadRequestError", 400, None, "temprature"),
    ("tools_for_a_model_without", "BadRequestError", 400, None, "tools"),
    ("tokens_instead_of_text", "BadRequestError", 400, None, "input"),
    ("no_sound", "BadRequestError", 400, None, "file"),
    ("unknown_voice", "BadRequestError", 400, None, "voice"),
    ("too_large", "APIStatusError", 413, "request_too_large", "file"),
]


@pytest.mark.parametrize(("name", "kind", "status", "code", "param"), ERRORS)
def test_errors_have_their_class_and_say_what_is_wrong(
    seen: Seen, name: str, kind: str, status: int, code: str | None, param: str | None
) -> None:
    found: dict[str, Any] = seen[f"openai_errors.{name}"]
    assert found["class"] == kind
    assert (found["status"], found["code"], found["param"]) == (status, code, param)
    assert found["request_id"] is True
    assert "brz_wrong" not in found["says"]


def test_the_other_face_with_await(newest: Seen) -> None:
    assert newest["openai_async.chat"] == [OSLO, OSLO]
    assert newest["openai_async.texts"] == {
        "completion": OSLO, "vector": 256, "flagged": True, "pictures": 1, "listed": True,
    }  # fmt: skip
    found = newest["openai_async.sound"]
    assert found["heard"] == SAID
    assert found["kinds"][-1] == "transcript.text.done"
    assert found["seconds"] > 0.3


def test_much_at_the_same_time_is_not_mixed_up(newest: Seen) -> None:
    cities = {"Norway": "Oslo", "France": "Paris", "Japan": "Tokyo", "Egypt": "Cairo"}
    expected = [f"The capital of {land} is {city}." for land, city in cities.items()]
    assert newest["openai_async.at_the_same_time"] == expected * 4
