"""What a person sees on a terminal, and what Ctrl-C does there."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import Shell

if sys.platform == "win32":
    pytest.skip("these terminals are POSIX ones", allow_module_level=True)

from tests.cli.terminal import Terminal, run

SLOW = ("chat", "hello", "--param", "response_delay_ms=3000")


def test_an_answer_that_takes_over_a_second_is_waited_for_in_style(mocked: Shell) -> None:
    with Terminal(mocked, "chat", "hi", "--param", "response_delay_ms=1300") as terminal:
        terminal.until("waiting for an answer")
        assert terminal.end() == 0
    after = terminal.shown.rpartition("waiting for an answer")[2]
    assert "\x1b[2K" in after
    assert "mock" in after


def test_ctrl_c_while_waiting_cancels(mocked: Shell) -> None:
    with Terminal(mocked, *SLOW) as terminal:
        terminal.until("waiting for an answer")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
    assert terminal.shown.rstrip().endswith("cancelled\x1b[0m")
    assert "Traceback" not in terminal.shown


def test_ctrl_c_in_the_middle_keeps_what_came_and_ends_the_line(mocked: Shell) -> None:
    slow = ("--param", "stream_chunk_delay_ms=500", "--param", "response_style=formal")
    process = mocked.start("chat", "hello", *slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(4) == b"This"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.endswith(b"\n")
    assert out.count(b"\n") == 1
    assert err == b"cancelled\n"


def test_a_cancelled_program_is_told_in_its_own_way(mocked: Shell) -> None:
    slow = ("--param", "stream_chunk_delay_ms=500")
    process = mocked.start("chat", "hello", "--json", *slow, stdout=subprocess.PIPE)
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)
    assert first.startswith(b'{"type":"text"')
    assert rest.splitlines()[-1].startswith(b'{"type":"error","code":"E302"')
    assert process.returncode == 130


def test_a_model_cannot_steer_the_terminal(strangers: Shell) -> None:
    code, shown = run(strangers, "chat", "hi", "--runner", "steady")
    assert code == 0
    assert "A steady [2Janswer" in shown
    assert "\x1b[2J" not in shown


def test_reasoning_is_shown_beside_the_answer(strangers: Shell) -> None:
    _, shown = run(strangers, "chat", "hi", "--runner", "steady")
    assert "\x1b[2mhmm\x1b[0m" in shown
    assert "hmm" not in strangers("chat", "hi", "--runner", "steady").err


def test_hypotheses_are_rewritten_in_place(mocked: Shell) -> None:
    mocked("say", "good morning to you all", "-o", "hello.wav")
    slow = ("--param", "stream_chunk_delay_ms=20")
    code, shown = run(mocked, "listen", "hello.wav", *slow)
    assert code == 0
    assert shown.count("\r\x1b[K\x1b[2m…") > 1
    final = mocked("listen", "hello.wav").text.splitlines()[0]
    assert f"\r\x1b[K{final}\r\n" in shown


def test_sound_is_not_written_to_a_terminal(mocked: Shell) -> None:
    code, shown = run(mocked, "say", "hi", "-o", "-")
    assert code == 2
    assert "this is a terminal: name a file" in shown


def test_tables_are_drawn(mocked: Shell) -> None:
    code, shown = run(mocked, "explain", "chat")
    assert code == 0
    assert "╭" in shown
    assert "mock_llm" in shown


def test_colours_are_left_out_where_asked(mocked: Shell) -> None:
    mocked.environ["NO_COLOR"] = "1"
    _, shown = run(mocked, "chat", "hi", "--runner", "nobody")
    assert shown.startswith("breeze: E404 No runner is called 'nobody'.")
