"""simonw's `llm` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.conftest import Client, Service

pytestmark = pytest.mark.timeout(900)  # the first run installs the client
OSLO = "The capital of Norway is Oslo."
CAPITAL = "What is the capital of Norway?"
MODELS = """
- model_id: breeze
  model_name: llamacpp
  api_base: "{url}/v1"
  api_key_name: breeze
  supports_schema: true
  vision: true
- model_id: breeze-eyes
  model_name: system_vision
  api_base: "{url}/v1"
  api_key_name: breeze
  vision: true
- model_id: breeze-tools
  model_name: llamacpp/caller
  api_base: "{url}/v1"
  api_key_name: breeze
  supports_tools: true
- model_id: breeze-completion
  model_name: llamacpp
  api_base: "{url}/v1"
  api_key_name: breeze
  completion: true
"""
"""What somebody writes into `extra-openai-models.yaml`."""
WEATHER = """
def weather(city: str) -> str:
    "The weather of a city"
    return "Sun"
"""


@pytest.fixture(scope="module")
def llm(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Client:
    client = Client("llm", service, tmp_path_factory.mktemp("llm"))
    client.environ["LLM_USER_PATH"] = str(client.folder)
    (client.folder / "extra-openai-models.yaml").write_text(MODELS.format(url=service.url))
    assert client.run("llm", "keys", "set", "breeze", "--value", service.use).returncode == 0
    return client


def asked(llm: Client, *arguments: str | Path, text: str = "") -> str:
    """What it says on standard output."""
    done = llm.run("llm", *arguments, text=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


GREEDY = ("-o", "temperature", "0")


def test_it_lists_the_models(llm: Client) -> None:
    listed = asked(llm, "models")
    assert "OpenAI Chat: breeze-eyes" in listed
    url = f"{llm.service.url}/v1"
    found = asked(llm, "openai", "endpoint", url, "--models", "--key", llm.service.use)
    assert {"auto", "llamacpp", "llamacpp/breeze-tiny"} <= {*found.split()}


def test_a_prompt_is_streamed_and_counted(llm: Client) -> None:
    done = llm.run("llm", "-m", "breeze", *GREEDY, "--usage", CAPITAL)
    assert (done.returncode, done.stdout) == (0, f"{OSLO}\n")
    assert "Token usage" in done.stderr


def test_a_prompt_is_answered_whole(llm: Client) -> None:
    assert asked(llm, "-m", "breeze", *GREEDY, "--no-stream", CAPITAL) == f"{OSLO}\n"
    assert asked(llm, "-m", "breeze", *GREEDY, "--async", CAPITAL) == f"{OSLO}\n"


def test_a_system_prompt_and_a_conversation(llm: Client) -> None:
    asked(llm, "-m", "breeze", *GREEDY, "-s", "You are brief.", "My name is Ada.")
    assert "Ada" in asked(llm, "-c", *GREEDY, "What is my name?")


def test_a_chat(llm: Client) -> None:
    said = asked(
        llm, "chat", "-m", "breeze", *GREEDY, "-s", "You are brief.", text=f"{CAPITAL}\nexit\n"
    )
    assert OSLO in said


def test_a_picture_is_attached(llm: Client) -> None:
    assert "“STOP”" in asked(llm, "-m", "breeze-eyes", "-a", "sign.png", "What does the sign say?")


def test_an_answer_that_obeys_a_schema(llm: Client) -> None:
    found = asked(llm, "-m", "breeze", *GREEDY, "--schema", "sure bool", "Are you sure?")
    assert [*json.loads(found)] == ["sure"]


def test_a_tool_is_called_and_told_about(llm: Client) -> None:
    found = asked(llm, "-m", "breeze-tools", "--functions", WEATHER, "Weather?")
    assert found == "Take a hat with you.\n"


def test_completions(llm: Client) -> None:
    assert asked(llm, "-m", "breeze-completion", *GREEDY, CAPITAL) == f"{OSLO}\n"


def test_embeddings_under_a_name_that_it_knows(llm: Client) -> None:
    found = json.loads(asked(llm, "embed", "-m", "3-small", "-c", "a lighthouse"))
    assert len(found) == 256


def test_a_wrong_key_is_told(llm: Client) -> None:
    done = llm.run("llm", "-m", "breeze", "--key", "brz_wrong", CAPITAL)
    assert done.returncode == 1
    assert "This API key is not known here" in done.stderr
