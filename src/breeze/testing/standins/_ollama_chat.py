"""What the stand-in answers to a conversation, and how it is put on lines."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from breeze.testing.standins._ollama_store import moment
from breeze.testing.standins._said import Spoken, answer_to, limited, sample, tokens

Json = dict[str, Any]
_PER_TOKEN = 20_000_000
"""Nanoseconds."""
_MAGIC = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))


class Said(Spoken):
    """An answer before it is put on lines."""

    def counts(self, known: bool) -> Json:
        """What the last line tells beside the reason."""
        made = self.count * _PER_TOKEN
        read = self.prompt * 1_000_000
        load = 1_000_000 if known else 900_000_000
        return {
            "total_duration": load + read + made, "load_duration": load,
            "prompt_eval_count": self.prompt, "prompt_eval_duration": read,
            "eval_count": self.count, "eval_duration": made,
        }  # fmt: skip


def prompt_size(messages: list[Json]) -> int:
    """Tokens of a conversation: its words, and one for each message."""
    return sum(len(tokens(m.get("content") or "")) + 1 for m in messages)


def said_to(body: Json) -> Said:
    """What is answered to a chat."""
    messages = body["messages"]
    prompt, last = prompt_size(messages), messages[-1]
    text = last.get("content") or ""
    if last["role"] == "tool":
        text = f"The tool said: {text}"
    elif calls := _calls(body.get("tools") or (), text):
        return Said("", _thought(body), calls, "stop", prompt)
    else:
        text = _formed(body.get("format"), text, [_picture(i) for i in last.get("images") or ()])
    options = body.get("options") or {}
    most = options.get("num_predict")
    text, cut = limited(text, most if most is not None and most >= 0 else None,
                        options.get("stop") or ())  # fmt: skip
    return Said(text, _thought(body), (), "length" if cut else "stop", prompt)


def _thought(body: Json) -> str:
    return "Let me think. " if body.get("think") else ""


def _formed(form: Any, text: str, pictures: list[tuple[str, int]]) -> str:
    if isinstance(form, dict):
        return msgspec.json.encode(sample(form)).decode()
    if form == "json":
        return msgspec.json.encode({"said": text}).decode()
    return answer_to(text, pictures)


def _picture(packed: str) -> tuple[str, int]:
    """Media type and size. Raises ValueError for what is no picture."""
    data = base64.b64decode(packed, validate=True)
    mime = next((mime for magic, mime in _MAGIC if data.startswith(magic)), "")
    if not mime:
        raise ValueError("failed to process image: image: unknown format")
    return mime, len(data)


def _calls(tools: Any, text: str) -> tuple[Json, ...]:
    """Calls of the tools whose names stand in the text."""
    wanted = [t["function"] for t in tools if t["function"]["name"] in text]
    return tuple(
        {
            "id": f"call_{i}",
            "function": {
                "index": i,
                "name": tool["name"],
                "arguments": sample(tool.get("parameters") or {"type": "object"}),
            },
        }
        for i, tool in enumerate(wanted)
    )


def lines(body: Json, said: Said, known: bool) -> Iterator[Json]:
    """The answer as a stream. Tool calls come whole."""
    for word in tokens(said.thought):
        yield _line(body, {"content": "", "thinking": word})
    for word in tokens(said.text):
        yield _line(body, {"content": word}, **_logprobs(body, word))
    if said.calls:
        yield _line(body, {"content": "", "tool_calls": list(said.calls)})
    yield _line(body, {"content": ""}, said=said, known=known)


def whole(body: Json, said: Said, known: bool) -> Json:
    """The answer as one object."""
    message: Json = {"content": said.text}
    if said.thought:
        message["thinking"] = said.thought
    if said.calls:
        message["tool_calls"] = list(said.calls)
    return _line(body, message, said=said, known=known, **_logprobs(body, said.text))


def _line(
    body: Json, message: Json, said: Said | None = None, known: bool = True, **more: Any
) -> Json:
    first = {"model": body["model"], "created_at": moment(0)}
    spoken = {"message": {"role": "assistant", **message}}
    if said is None:
        return first | spoken | {"done": False} | more
    end = {"done": True, "done_reason": said.reason, **said.counts(known)}
    return first | spoken | end | more


def _logprobs(body: Json, text: str) -> Json:
    if not body.get("logprobs"):
        return {}
    top = range(body.get("top_logprobs") or 0)
    told = [
        {"token": word, "logprob": -0.5,
         "top_logprobs": [{"token": word, "logprob": -0.5 - i} for i in top]}
        for word in tokens(text)
    ]  # fmt: skip
    return {"logprobs": told}
