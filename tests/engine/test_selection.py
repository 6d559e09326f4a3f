"""Who should answer: every strategy and every rule of precedence, as tables."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breeze.contracts.capability import Capability, RunnerKind, Strategy
from breeze.contracts.errors import CapabilityError, NotFoundError, UnavailableError
from breeze.engine.nobody import nobody
from breeze.engine.selection import Candidate, Wish, decide

LLM, TTS = Capability.LLM, Capability.TTS
LOCAL, CLOUD, MOCK = RunnerKind.LOCAL, RunnerKind.CLOUD, RunnerKind.MOCK


def one(name: str, kind: RunnerKind = LOCAL, priority: int = 1, **facts: object) -> Candidate:
    base = {"runner": name, "capabilities": (LLM,)}
    return Candidate(name=name, kind=kind, priority=priority, **(base | facts))  # type: ignore[arg-type]


EVERYBODY = (
    one("near", LOCAL, 2),
    one("chip", RunnerKind.HARDWARE, 3),
    one("far", CLOUD, 0),
    one("other_far", CLOUD, 5),
    one("mock_llm", MOCK, 1),
)


def names(strategy: Strategy, **wish: object) -> list[str]:
    order = decide(Wish(LLM, **wish), EVERYBODY, strategy).order  # type: ignore[arg-type]
    return [choice.name for choice in order]


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        (Strategy.LOCAL_FIRST, ["near", "chip", "far", "other_far"]),
        (Strategy.REMOTE_FIRST, ["far", "other_far", "near", "chip"]),
        (Strategy.REMOTE_ONLY, ["far", "other_far"]),
        (Strategy.HARDWARE_FIRST, ["chip", "far", "near", "other_far"]),
        (Strategy.PRIORITY_BASED, ["far", "near", "chip", "other_far"]),
    ],
)
def test_each_strategy_orders_real_runners_and_leaves_mocks_out(
    strategy: Strategy, order: list[str]
) -> None:
    assert names(strategy) == order


def test_mock_first_puts_the_mock_first_and_real_runners_behind_it() -> None:
    assert names(Strategy.MOCK_FIRST) == ["mock_llm", "far", "near", "chip", "other_far"]


def test_lower_priority_numbers_win_and_names_break_ties() -> None:
    order = decide(Wish(LLM), [one("b"), one("a"), one("c", priority=0)]).order
    assert [choice.name for choice in order] == ["c", "a", "b"]


def test_precedence_is_request_then_router_then_saved_then_default_then_strategy() -> None:
    candidates = (
        one("strategy", priority=0),
        one("default", default=True),
        one("saved", saved=True),
        one("router"),
        one("asked", priority=9),
    )
    decision = decide(Wish(LLM, runner="asked", preferred="router"), candidates)
    assert [(c.name, c.why) for c in decision.order] == [
        ("asked", "named by the request"),
        ("router", "chosen in the client's configuration"),
        ("saved", "saved selection"),
        ("default", "configured default"),
        ("strategy", "LOCAL_FIRST: LOCAL, priority 0"),
    ]


@pytest.mark.parametrize(
    ("model", "first", "asked"),
    [
        ("auto", "near", "tiny"),
        ("far", "far", "big"),
        ("far/huge", "far", "huge"),
        ("huge", "far", "huge"),
        ("org/huge", "far", "org/huge"),
    ],
)
def test_a_model_may_name_an_instance_an_instance_and_model_or_a_model(
    model: str, first: str, asked: str
) -> None:
    candidates = (
        one("near", model="tiny", models=("tiny",)),
        one("far", CLOUD, model="big", models=("big", "huge", "org/huge")),
    )
    choice = decide(Wish(LLM, model=model), candidates).order[0]
    assert (choice.name, choice.model) == (first, asked)


def test_naming_an_instance_puts_it_first_and_the_others_stay_behind_it() -> None:
    assert names(Strategy.LOCAL_FIRST, runner="other_far") == ["other_far", "near", "chip", "far"]


def test_a_strict_request_that_cannot_be_met_says_only_why_that_one_cannot() -> None:
    broken = one("near", unavailable="no key: set X")
    others = [one("other"), one("far", unavailable="no server"), one("off", enabled=False)]
    decision = decide(Wish(LLM, runner="near", strict=True), [broken, *others])
    assert nobody(decision).message == (
        "No runner that the request allows can do LLM now. near: no key: set X."
    )


def test_a_strict_request_for_a_type_says_why_nobody_of_it_can() -> None:
    chip = one("chip", unavailable="no such chip", likeness=3)
    wish = Wish(LLM, type="MTK_APU", strict=True)
    message = nobody(decide(wish, [chip, one("other"), one("far", unavailable="no key")])).message
    assert "chip: no such chip" in message
    assert "other" not in message
    assert "far" not in message


def test_a_strict_request_has_no_other_candidate() -> None:
    decision = decide(Wish(LLM, runner="far", strict=True), EVERYBODY)
    assert [choice.name for choice in decision.order] == ["far"]
    assert {r.why for r in decision.rejected} >= {"the request is strict about another runner"}


def test_a_runner_name_stands_for_its_instances() -> None:
    candidates = (one("primary", runner="openish", priority=0), one("second", runner="openish"))
    order = decide(Wish(LLM, runner="openish", strict=True), candidates).order
    assert [choice.name for choice in order] == ["primary", "second"]


def test_a_mock_is_never_the_failover_of_a_real_runner() -> None:
    candidates = (one("near"), one("mock_llm", MOCK, default=True, priority=0))
    order = decide(Wish(LLM, runner="near"), candidates).order
    assert [choice.name for choice in order] == ["near"]


def test_a_named_mock_answers() -> None:
    assert names(Strategy.LOCAL_FIRST, runner="mock_llm")[0] == "mock_llm"


def test_mocks_answer_when_no_real_runner_is_there_unless_that_is_off() -> None:
    only_mock = [one("mock_llm", MOCK)]
    assert decide(Wish(LLM), only_mock).order[0].name == "mock_llm"
    error = nobody(decide(Wish(LLM), only_mock, fallback_to_mock=False))
    assert isinstance(error, UnavailableError)
    assert "MOCK_FIRST" in error.message


@pytest.mark.parametrize("wanted", [{}, {"listed": True}, {"saved": True}, {"default": True}])
def test_a_vendor_without_a_key_hides_mocks_only_where_somebody_wanted_it(
    wanted: dict[str, bool],
) -> None:
    vendor = one("far", CLOUD, unavailable="no API key", **wanted)
    order = decide(Wish(LLM), [vendor, one("mock_llm", MOCK)]).order
    assert [choice.name for choice in order] == ([] if wanted else ["mock_llm"])


def test_a_real_runner_that_cannot_work_here_is_not_replaced_by_a_mock() -> None:
    broken = one("near", unavailable="not installed: native (run: pip install 'x[local]')")
    decision = decide(Wish(LLM), [broken, one("mock_llm", MOCK)])
    assert decision.order == ()
    assert "pip install 'x[local]'" in nobody(decision).message


def test_those_whom_the_same_keeps_away_are_counted() -> None:
    some = [one(name, automatic=False) for name in "abcd"]
    message = nobody(decide(Wish(LLM), [*some, one("off", enabled=False)])).message
    assert "4 others: not configured for LLM" in message
    assert "off: disabled in the configuration" in message


def test_every_rejection_has_its_reason() -> None:
    candidates = (
        one("fine"),
        one("off", enabled=False),
        one("mute", capabilities=(TTS,)),
        one("aside", automatic=False),
        one("broken", unavailable="no key: set X"),
        one("reader", model="embedder", fits=(Capability.EMBEDDING,)),
        one("mock_llm", MOCK),
    )
    rejected = {r.name: r.why for r in decide(Wish(LLM), candidates).rejected}
    assert rejected == {
        "off": "disabled in the configuration",
        "mute": "cannot do LLM",
        "aside": "not configured for LLM",
        "broken": "no key: set X",
        "reader": "its model embedder cannot do LLM",
        "mock_llm": "a mock answers only under MOCK_FIRST, or when no real runner is configured",
    }


def test_unknown_names_come_back_with_the_nearest_known() -> None:
    with pytest.raises(NotFoundError, match="Did you mean other_far") as caught:
        decide(Wish(LLM, runner="other_fra"), EVERYBODY)
    assert caught.value.field == "runner"
    with pytest.raises(NotFoundError, match="No model is called 'gpt-9'"):
        decide(Wish(LLM, model="gpt-9"), EVERYBODY)


def test_a_named_runner_without_the_capability_is_refused() -> None:
    with pytest.raises(CapabilityError, match="near cannot do TTS; it does LLM"):
        decide(Wish(TTS, runner="near"), EVERYBODY)
    error = nobody(decide(Wish(TTS), EVERYBODY))
    assert isinstance(error, CapabilityError)
    assert "No runner here can do TTS" in error.message


def test_equal_decisions_have_equal_ids() -> None:
    assert decide(Wish(LLM), EVERYBODY).id == decide(Wish(LLM), reversed(EVERYBODY)).id
    assert decide(Wish(LLM), EVERYBODY).id != decide(Wish(LLM, runner="far"), EVERYBODY).id


candidates_strategy = st.lists(
    st.builds(
        one,
        st.sampled_from("abcdefgh"),
        st.sampled_from((LOCAL, CLOUD, RunnerKind.HARDWARE)),
        st.integers(0, 3),
        enabled=st.booleans(),
        automatic=st.booleans(),
        unavailable=st.sampled_from((None, "broken")),
        saved=st.booleans(),
    ),
    unique_by=lambda candidate: candidate.name,
    min_size=1,
)


@given(candidates_strategy, st.sampled_from(Strategy))
def test_everybody_is_either_tried_or_rejected_and_only_the_able_are_tried(
    candidates: list[Candidate], strategy: Strategy
) -> None:
    decision = decide(Wish(LLM), candidates, strategy)
    tried = [choice.name for choice in decision.order]
    assert sorted(tried + [r.name for r in decision.rejected]) == sorted(c.name for c in candidates)
    assert all(c.enabled and not c.unavailable for c in candidates if c.name in tried)


def test_endpoints_without_a_key_do_not_keep_a_mock_from_answering() -> None:
    mock = one("mock_llm", MOCK)
    keyless = one("far", CLOUD, unavailable="no API key: set X")
    assert [c.name for c in decide(Wish(Capability.LLM), [mock, keyless]).order] == ["mock_llm"]
    wanted = msgspec.structs.replace(keyless, listed=True)
    assert decide(Wish(Capability.LLM), [mock, wanted]).order == ()


def test_many_endpoints_without_a_key_are_told_in_one() -> None:
    far = [one(f"far{i}", CLOUD, unavailable=f"no API key: set X{i}") for i in range(4)]
    near = one("near", unavailable="not installed")
    message = nobody(decide(Wish(Capability.LLM), [near, *far])).message
    assert "near: not installed" in message
    assert "4 others: no API key; see: breeze runners" in message
    assert "X1" not in message
