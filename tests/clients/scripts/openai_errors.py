"""What the official client raises."""

from collections.abc import Callable
from functools import partial
from typing import Any

import openai
from openai import OpenAI

client = OpenAI()
MODEL = "llamacpp"


def _raised(act: Callable[[], object]) -> Any:
    """The class of the error and what it tells."""
    try:
        act()
    except openai.APIStatusError as error:
        return {
            "class": type(error).__name__,
            "status": error.status_code,
            "code": error.code,
            "param": error.param,
            "type": error.type,
            "request_id": bool(error.request_id),
            "says": error.message,
        }
    return None


def wrong_key() -> Any:
    stranger = OpenAI(api_key="brz_wrong")
    return _raised(lambda: stranger.models.list())


def wrong_key_for_a_stream() -> Any:
    stranger = OpenAI(api_key="brz_wrong")
    return _raised(
        lambda: stranger.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Hello"}], stream=True
        )
    )


def unknown_model() -> Any:
    return _raised(
        lambda: client.chat.completions.create(
            model="gpt-9", messages=[{"role": "user", "content": "Hello"}]
        )
    )


def unknown_model_by_name() -> Any:
    return _raised(lambda: client.models.retrieve("nobody/nothing"))


def wrong_value() -> Any:
    return _raised(
        lambda: client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Hello"}], temperature=9
        )
    )


def unknown_field() -> Any:
    return _raised(
        lambda: client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Hello"}],
            extra_body={"temprature": 1},
        )
    )


def tools_for_a_model_without() -> Any:
    return _raised(
        lambda: client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Hello"}],
            tools=[{"type": "function", "function": {"name": "weather"}}],
        )
    )


def tokens_instead_of_text() -> Any:
    return _raised(lambda: client.embeddings.create(model="hashing", input=[1, 2, 3]))


def no_sound() -> Any:
    return _raised(
        lambda: client.audio.transcriptions.create(
            model="pocketsphinx", file=("a.wav", b"this is no sound at all")
        )
    )


def unknown_voice() -> Any:
    return _raised(
        lambda: client.audio.speech.create(model="espeak", voice="nobody", input="Hello")
    )


def too_large() -> Any:
    return _raised(
        lambda: client.audio.transcriptions.create(
            model="pocketsphinx", file=("a.wav", bytes(27_000_000))
        )
    )


def not_allowed() -> Any:
    """The numbers are for operators; this key is a user's."""
    metrics = str(client.base_url.copy_with(path="/metrics"))
    return _raised(lambda: client.get(metrics, cast_to=object))


def runner_that_fails() -> Any:
    """Half of the seeds make the mock fail."""
    impatient = client.with_options(max_retries=0)
    for seed in range(50):
        params = {"simulate_errors": True, "error_rate": 50, "seed": seed}
        found = _raised(partial(_hello, impatient, {"params": params, "strict": True}))
        if found is not None:
            return found
    return None


def runner_that_is_slow() -> Any:
    impatient = client.with_options(max_retries=0)
    ours = {"params": {"response_delay_ms": 3000}, "deadline": 0.2}
    return _raised(lambda: _hello(impatient, ours))


def _hello(client: OpenAI, ours: dict[str, Any]) -> object:
    return client.chat.completions.create(
        model="mock_llm",
        messages=[{"role": "user", "content": "Hello"}],
        extra_body={"breeze": ours},
    )


def unknown_route() -> Any:
    return _raised(lambda: client.post("/nothing", cast_to=object, body={}))
