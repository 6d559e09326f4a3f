"""What happens behind a peer is told as what it is: who answered, and that the peer is well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breeze.config import parse_config
from breeze.contracts.errors import AuthenticationError, QuotaError, RunnerError, UnavailableError
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.testing.scripted import Script, scripted
from tests.http.accounts import keys
from tests.http.conftest import serving
from tests.runners.peers import NAME, beside, pair


def _listed(*names: str) -> Any:
    runners = {name: {"class": name, "priority": i} for i, name in enumerate(names, 1)}
    return parse_config(
        {"defaultStrategy": "PRIORITY_BASED", "capabilities": {"LLM": {"runners": runners}}}
    ).config


async def test_the_model_is_that_of_who_answered_there(tmp_path: Path) -> None:
    runners = [
        scripted("poor", Script([QuotaError("Nothing left.")])),
        scripted("rich", Script([TextDelta("Here"), Finish()])),
    ]
    async with pair(tmp_path, runners=runners, config=_listed("poor", "rich")) as (_, engine):
        answer = await engine.run(ChatRequest.of("Hi", model=f"{NAME}/poor"))
        named = await engine.run(ChatRequest.of("Hi", model=f"{NAME}/rich"))
    assert (answer.runner, answer.text) == (NAME, "Here")
    assert answer.model.startswith("rich")
    assert named.model == "rich"


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (AuthenticationError("The vendor refused the key."), 1),
        (UnavailableError("The vendor is away.", retryable=False), 6),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
async def test_a_peer_does_not_rest_for_what_a_vendor_behind_it_did(
    tmp_path: Path, error: RunnerError, times: int
) -> None:
    runners = [scripted("vendor", Script([error]))]
    async with pair(tmp_path, runners=runners, config=_listed("vendor")) as (_, engine):
        asked = ChatRequest.of("Hi", model=f"{NAME}/vendor", strict=True)
        for _ in range(times):
            with pytest.raises(type(error)):
                await engine.run(asked)
        (peer,) = [one for one in engine.runners() if one.name == NAME]
        vectors = await engine.run(EmbedRequest(("Hi",), model=f"{NAME}/hashing"))
    assert (peer.circuit, peer.failures) == ("closed", 0)
    assert vectors.runner == NAME


async def test_a_peer_rests_when_it_refuses_the_key_itself(tmp_path: Path) -> None:
    async with (
        serving(tmp_path / "there", app={"authenticate": keys(tmp_path / "k")}) as server,
        beside(tmp_path / "here", server.url, api_key="brz_wrong") as engine,
    ):
        for _ in range(2):
            with pytest.raises(AuthenticationError) as caught:
                await engine.run(EmbedRequest(("Hi",), model=f"{NAME}/hashing"))
    assert "It is not asked for" in caught.value.message
