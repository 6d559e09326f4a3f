"""`breeze check`: every rule with pass, fail or n/a; 1 when one is broken."""

from __future__ import annotations

import json
import sys

import pytest

from tests.cli.conftest import Shell

QUICK = ("--only", "info", "--only", "stream")


def test_a_good_runner_passes(mocked: Shell) -> None:
    done = mocked("check", "mock_llm", *QUICK)
    assert done.code == 0
    assert "pass  info.complete" in done.text
    assert " 0 fail" in done.text.splitlines()[-1]


def test_a_runner_that_breaks_a_rule_is_1(strangers: Shell) -> None:
    done = strangers("check", "fragile", *QUICK)
    assert done.code == 1
    assert "fail  stream.answers" in done.text
    assert "The wire broke" in done.text


def test_each_rule_is_a_line_for_a_program(strangers: Shell) -> None:
    done = strangers("check", "strangers:SteadyRunner", "--json", *QUICK)
    results = [json.loads(line) for line in done.text.splitlines()]
    assert {result["status"] for result in results} <= {"pass", "fail", "n/a"}
    assert len(results) > 10


def test_a_file_here_need_not_be_installed(strangers: Shell) -> None:
    (strangers.folder / "local.py").write_text("from strangers import *\n")
    done = strangers("check", "local:SteadyRunner", *QUICK)
    assert "info.complete" in done.text


@pytest.mark.skipif(sys.platform == "win32", reason="workers need Unix sockets")
def test_it_is_checked_in_a_process_of_its_own(strangers: Shell) -> None:
    (strangers.folder / "local.py").write_text("from strangers import SteadyRunner\n")
    wanted = ("--isolated", "--only", "stream.answers", "--only", "stream.dropped")
    done = strangers("check", "local:SteadyRunner", *wanted)
    assert done.code == 0, done.text
    assert "pass  stream.answers" in done.text
    assert "cannot be seen" in done.text  # what only shows where the runner itself is
    broken = strangers("check", "strangers:FragileRunner", *wanted)
    assert (broken.code, "The wire broke" in broken.text) == (1, True)


def test_parameters_reach_the_runner(strangers: Shell) -> None:
    target = ("check", "strangers:KeyedRunner", "--only", "stream.answers")
    assert strangers(*target).code == 2
    done = strangers(*target, "--param", "api_key=secret")
    assert done.code == 0, done.text


def test_what_is_no_runner_is_refused(mocked: Shell) -> None:
    for target, says in (("mok_llm", "did you mean 'mock_llm'?"), ("json:loads", "@runner")):
        done = mocked("check", target)
        assert (done.code, says in done.err) == (2, True), done.err
