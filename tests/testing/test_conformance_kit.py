"""The kit itself: what it reports, and how it is used."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import InputError
from breeze.contracts.events import Finish, ModerateEvent, SpeakEvent, TextDelta, Verdict
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest, ModerateRequest, SpeakRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.values import Usage
from breeze.runners.mock_llm import MockLLMRunner
from breeze.testing.conformance import RULES, check_module, check_runner
from breeze.testing.report import Report, RuleResult
from breeze.testing.samples import Samples
from breeze.testing.scripted import Script, Step, scripted


async def test_a_good_runner_passes_every_rule_that_applies() -> None:
    report = await check_runner(MockLLMRunner)
    assert report.ok, report.render()
    assert [result.rule for result in report.results] == [rule.id for rule in RULES]
    assert {result.rule for result in report.results if result.status == "n/a"} == {
        "cancel.live", "info.hardware", "inputs.silence", "inputs.8khz", "inputs.live",
        "inputs.broken-audio", "inputs.tiny-image", "inputs.broken-image", "parameters.secret",
    }  # fmt: skip


def test_rules_have_names_of_their_own() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.title for rule in RULES)


async def test_only_some_rules_may_be_asked_for() -> None:
    report = await check_runner(MockLLMRunner, only=("info", "parameters.unknown"))
    assert {result.rule.split(".")[0] for result in report.results} == {"info", "parameters"}
    assert len(report.results) == 7


async def test_results_are_told_as_they_come() -> None:
    told: list[RuleResult] = []
    report = await check_runner(MockLLMRunner, only=("info",), on_result=told.append)
    assert tuple(told) == report.results


async def test_parameters_and_model_reach_the_runner() -> None:
    good = await check_runner(
        MockLLMRunner, {"response_style": "formal"}, model="mock-llm-creative", only=("stream",)
    )
    assert good.ok, good.render()
    with pytest.raises(InputError):
        await check_runner(MockLLMRunner, {"response_style": "rude"})


async def test_own_samples_take_the_place_of_the_built_in_ones() -> None:
    sent: list[str] = []

    def line(request: Request[Any]) -> list[Step]:
        assert isinstance(request, ChatRequest)
        sent.append(request.messages[-1].text)
        return [Usage(), Finish()]

    samples = Samples({Capability.LLM: ChatRequest.of("my own question")})
    actor = scripted("actor", Script(line))
    await check_runner(actor, samples=samples, only=("stream.answers",))
    assert set(sent) == {"my own question"}


async def test_a_model_is_judged_by_what_it_can_do() -> None:
    only_chat = (ModelInfo("small", (Capability.LLM,)),)
    script = Script([TextDelta("Hello"), Usage(), Finish()], models=only_chat)
    actor = scripted("actor", script, "chat", "embed", default_model="small")
    report = await check_runner(actor, only=("stream.answers", "stream.event-types"))
    assert report.ok, report.render()


async def test_a_runner_that_cannot_work_here_gets_the_rest_unjudged() -> None:
    absent = scripted("absent", Script(reason="no such device"))
    report = await check_runner(absent)
    verdicts = {result.rule: result for result in report.results}
    assert verdicts["info.available"].message == "no such device"
    assert verdicts["stream.answers"].status == "n/a"
    assert [result.rule for result in report.failed] == ["info.available"]


async def test_a_check_that_raises_is_a_finding_and_no_crash() -> None:
    class Rude(MockLLMRunner):
        """Raises where it should answer."""

        def check(self) -> str | None:
            raise OSError("no")

    report = await check_runner(Rude, only=("info",))
    failed = {result.rule: result.message for result in report.failed}
    assert "OSError" in failed["info.check"]


@runner("yes", vendor="Us", kind=RunnerKind.LOCAL, concurrency=1)
class YesRunner(Runner[Parameters]):
    """Finds everything safe and forgets to say what it used."""

    async def moderate(self, request: ModerateRequest) -> AsyncGenerator[ModerateEvent]:
        yield Verdict("SAFE", 0.0)
        yield Finish()


async def test_a_first_attempt_learns_what_is_missing() -> None:
    report = await check_runner(YesRunner)
    assert {result.rule for result in report.failed} == {
        "stream.usage",
        "cancel.counted",
        "parameters.operator-only",
        "load.needed",
    }
    counted = next(result for result in report.failed if result.rule == "cancel.counted")
    assert "with self.work.stream()" in counted.message


def test_a_report_is_a_line_a_rule_and_a_sum() -> None:
    report = Report(
        "whistle",
        (
            RuleResult("a.b", "pass", "it whistles"),
            RuleResult("a.bc", "fail", "it stops", "it did not stop", 0.5),
            RuleResult("c", "n/a", "it sings", "it has no voice"),
        ),
    )
    assert report.render().splitlines() == [
        "whistle:",
        "pass  a.b   it whistles",
        "fail  a.bc  it did not stop",
        "n/a   c     it has no voice",
        "1 pass, 1 fail, 1 n/a in 0.5 s",
    ]
    assert not report.ok
    assert [result.rule for result in report.failed] == ["a.bc"]


def test_a_target_names_a_class_or_the_only_one_of_a_module() -> None:
    assert check_module("breeze.runners.mock_llm:MockLLMRunner") is MockLLMRunner
    assert check_module("breeze.runners.mock_llm") is MockLLMRunner


@pytest.mark.parametrize(
    "target",
    ["no.such.module:Any", "breeze.runners.mock_llm:Absent", "breeze.contracts.runner:Runner"],
)
def test_a_target_that_is_no_runner_is_explained(target: str) -> None:
    with pytest.raises(InputError) as caught:
        check_module(target)
    assert caught.value.field == "target"


class _Shared(Runner[Parameters]):
    """Speaks with a voice that it lends to nobody."""

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        yield Finish()


def test_a_class_that_is_not_marked_is_no_runner() -> None:
    with pytest.raises(InputError, match="found none"):
        check_module(f"{__name__}:_Shared")
