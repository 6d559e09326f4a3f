"""0 done, 2 usage, 3 blocked, 4 no runner, 5 runner failed; one line says what to do."""

from __future__ import annotations

import pytest

from breeze.contracts.errors import ErrorInfo
from breeze.contracts.events import Restarted, TextDelta
from tests.cli.conftest import Configure, Shell


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("chat",), 2, "Missing argument 'TEXT'"),
        (("chta",), 2, "Did you mean 'chat'?"),
        (("chat", "hi", "--temperature", "7"), 2, "E400 temperature is 7.0, must be between 0"),
        (("chat", "hi", "--config", "no.json"), 2, "'no.json' does not exist"),
        (("chat", "hi", "--param", "response_stile=x"), 2, "did you mean 'response_style'?"),
        (("chat", "hi", "--param", "mok_llm.seed=1"), 2, "did you mean 'mock_llm'?"),
        (("chat", "hi", "--param", "seed"), 2, "write [INSTANCE.]NAME=VALUE"),
        (("chat", "hi", "--runner", "mock_lm"), 4, "E404 No runner is called 'mock_lm'. Did you"),
        (
            ("chat", "hi", "--model", "mock_llm/none", "--strict"),
            5,
            "E404 mock_llm has no model 'none'",
        ),
        (("chat", "hi", "--runner", "mock_tts"), 4, "E405 mock_tts cannot do LLM; it does TTS."),
        (("see", "nowhere.png"), 2, "nowhere.png cannot be read"),
        (("say", "hi", "-o", "nowhere/x.wav"), 2, "There is no folder nowhere"),
        (("say", "hi", "-o", "x.doc"), 2, "its ending must be one of wav, pcm"),
        (("say", "hi", "-o", "-", "--json"), 2, "both want standard output"),
        (("draw", "x", "--size", "big"), 2, "must look like 512x512"),
        (("guard", "I will bomb the station"), 3, "answered by mock_guardian"),
        (("explain", "chat", "--runner", "nobody"), 4, "E404"),
    ],
)
def test_codes(mocked: Shell, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = mocked(*arguments)
    assert (done.code, says in done.err) == (code, True), done.err
    assert "Traceback" not in done.err


def test_a_failing_runner_is_5_and_what_came_stays(strangers: Shell) -> None:
    done = strangers("chat", "hi", "--runner", "fragile", "--strict")
    assert (done.code, done.text) == (5, "Half an\n")
    assert done.err.splitlines()[-1] == "breeze: E101 The wire broke."


def test_a_refusal_by_content_is_3(strangers: Shell) -> None:
    done = strangers("chat", "hi", "--runner", "strict", "--strict")
    assert (done.code, done.text) == (3, "")
    assert "breeze: G100 This cannot be answered here." in done.err


def test_in_json_the_failure_is_the_last_line(strangers: Shell) -> None:
    done = strangers("chat", "hi", "--runner", "fragile", "--strict", "--json")
    first, last = done.events
    assert (done.code, done.err) == (5, "")
    assert first == TextDelta("Half an")
    assert isinstance(last, ErrorInfo)
    assert (last.code, last.runner) == ("E101", "fragile")


def test_even_before_the_first_event(mocked: Shell) -> None:
    done = mocked("explain", "chat", "--runner", "nobody", "--json")
    (only,) = done.events
    assert done.code == 4
    assert isinstance(only, ErrorInfo)
    assert only.code == "E404"


FAILOVER = """{"globalSettings": {"failover": {"afterOutput": "restart", "attempts": 1}},
"capabilities": {"LLM": {"runners": {
  "first":  {"class": "fragile", "priority": 1},
  "second": {"class": "steady", "priority": 2}}}}}"""


def test_a_restart_is_said_and_so_is_who_failed(strangers: Shell, configure: Configure) -> None:
    done = strangers("chat", "hi", "--config", str(configure(FAILOVER)))
    assert done.code == 0
    assert done.text == "Half an\nA steady \x1b[2Janswer\n"
    assert "withdrawn: first failed" in done.err
    assert "second answers from the beginn" in done.err
    assert "first failed: E101 The wire broke." in done.err


def test_a_program_is_told_of_the_restart_too(strangers: Shell, configure: Configure) -> None:
    done = strangers("chat", "hi", "--config", str(configure(FAILOVER)), "--json")
    assert [e for e in done.events if isinstance(e, Restarted)]


def test_a_broken_configuration_is_named_with_its_line(mocked: Shell, configure: Configure) -> None:
    done = mocked("chat", "hi", "--config", str(configure('{\n "version": }')))
    assert done.code == 2
    assert "line 2" in done.err
    assert "config.json" in done.err


def test_an_unknown_key_is_noted_and_the_work_is_done(mocked: Shell, configure: Configure) -> None:
    done = mocked("chat", "hi", "--config", str(configure('{"defaultStrategie": "MOCK_FIRST"}')))
    assert done.code == 0
    assert "did you mean 'defaultStrategy'?" in done.err


NOBODY = '{"version": "2.0", "capabilities": {"LLM": {"runners": {"far": {"class": "not_here"}}}}}'


def test_a_class_with_a_slip_of_the_pen_is_told_the_nearest(
    mocked: Shell, configure: Configure
) -> None:
    config = str(configure(NOBODY.replace("not_here", "llamacp")))
    done = mocked("chat", "hi", "--config", config, "--runner", "far", "--strict")
    assert "'llamacp' (did you mean llamacpp?)" in done.err


def test_the_one_who_lacks_a_key_is_told_where_to_put_it(
    mocked: Shell, configure: Configure
) -> None:
    config = str(configure(NOBODY.replace("not_here", "groq")))
    explained = mocked("explain", "chat", "--config", config)
    assert "no API key: set GROQ_API_KEY" in " ".join(explained.text.split())


def test_when_nobody_can_answer_the_reasons_are_told(mocked: Shell, configure: Configure) -> None:
    config = str(configure(NOBODY))
    done = mocked("chat", "hi", "--config", config, "--runner", "far", "--strict")
    assert (done.code, done.text) == (4, "")
    assert "far: no installed runner is called 'not_here'" in done.err
    explained = mocked("explain", "chat", "--config", config, "--runner", "far", "--strict")
    assert explained.code == 0
    assert "no installed runner is called 'not_here'" in explained.text
