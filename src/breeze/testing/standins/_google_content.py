"""Gemini's contents: what is answered, whole and as a stream of responses."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from breeze.testing.standins._google_rules import Json
from breeze.testing.standins._said import answer_to, limited, sample, tokens

REFUSED = "forbidden fruit"
"""Words in a prompt that is blocked."""
FILTERED = "forbidden ending"
"""Words after which the answer is filtered, when something was said already."""
_THOUGHT = "Let me think. "


def blocked(facts: Json, prompt: int) -> Json:
    """The response to a prompt that is not allowed."""
    rating = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}
    feedback = {"blockReason": "SAFETY", "safetyRatings": [rating]}
    return facts | {"promptFeedback": feedback, "usageMetadata": _usage(prompt, 0, 0)}


def responses(body: Json, facts: Json) -> Iterator[Json]:
    """The answer in pieces. Each response holds the counts so far."""
    prompt = prompt_tokens(body)
    settings = body.get("generationConfig") or {}
    if REFUSED in _text(body["contents"][-1]).lower():
        yield blocked(facts, prompt)
        return
    parts, reason = _said(body, settings)
    thought = made = 0
    for index in range(settings.get("candidateCount") or 1):
        for place, part in enumerate(parts):
            thought += len(tokens(part["text"])) if part.get("thought") else 0
            made += len(tokens(part.get("text", ""))) if not part.get("thought") else 0
            candidate: Json = {"index": index, "content": {"role": "model", "parts": [part]}}
            if place == len(parts) - 1:
                candidate["finishReason"] = reason
            if settings.get("responseLogprobs") and "text" in part:
                candidate["logprobsResult"] = _logprobs(part["text"], settings.get("logprobs") or 0)
            used = _usage(prompt, made, thought)
            yield facts | {"candidates": [candidate], "usageMetadata": used}


def whole(body: Json, facts: Json) -> Json:
    """The answer in one response."""
    pieces = list(responses(body, facts))
    found: dict[int, Json] = {}
    for piece in pieces:
        for candidate in piece.get("candidates") or ():
            kept = found.setdefault(candidate["index"], {"content": {"role": "model", "parts": []}})
            parts = kept["content"]["parts"] + candidate["content"]["parts"]
            _join(kept, candidate.get("logprobsResult"))
            kept |= {n: v for n, v in candidate.items() if n not in ("content", "logprobsResult")}
            kept["content"] = {"role": "model", "parts": _joined(parts)}
    last = {n: v for n, v in pieces[-1].items() if n != "candidates"}
    return last | ({"candidates": list(found.values())} if found else {})


def prompt_tokens(body: Json) -> int:
    """Tokens of a request."""
    system = body.get("systemInstruction")
    said = [*body["contents"], *([system] if system else [])]
    return sum(len(tokens(_text(content))) + 1 for content in said)


def _said(body: Json, settings: Json) -> tuple[list[Json], str]:
    """The parts of the answer, a word each, and why it ended."""
    last = body["contents"][-1]
    thinks = (settings.get("thinkingConfig") or {}).get("includeThoughts")
    parts: list[Json] = [{"text": _THOUGHT, "thought": True}] if thinks else []
    results = [p["functionResponse"] for p in last["parts"] if "functionResponse" in p]
    if not results and (calls := _calls(body, _text(last))):
        return [*parts, *calls], "STOP"
    text = f"The tool said: {_told(results)}" if results else _reply(body, last, settings)
    if FILTERED in text.lower():
        return [*parts, *({"text": word} for word in tokens(text)[:2])], "SAFETY"
    text, cut = limited(text, settings.get("maxOutputTokens"), settings.get("stopSequences") or ())
    parts += [{"text": word} for word in tokens(text)] or [{"text": ""}]
    return parts, "MAX_TOKENS" if cut else "STOP"


def _reply(body: Json, last: Json, settings: Json) -> str:
    text = _text(last)
    schema = settings.get("responseJsonSchema") or settings.get("responseSchema")
    if schema:
        return msgspec.json.encode(sample(schema)).decode()
    if settings.get("responseMimeType") == "application/json":
        return msgspec.json.encode({"said": text}).decode()
    if last.get("role") == "model":  # begun, and to be continued
        asked = next((c for c in reversed(body["contents"]) if c.get("role") != "model"), None)
        full = answer_to(_text(asked) if asked else "")
        return full.removeprefix(text) if full.startswith(text) else " and so on."
    seen = [_seen(part) for part in last["parts"] if part.keys() & {"inlineData", "fileData"}]
    sounds = sum(mime.startswith("audio/") for mime, _ in seen)
    return answer_to(text, [s for s in seen if not s[0].startswith("audio/")], sounds)


def _seen(part: Json) -> tuple[str, int]:
    if inline := part.get("inlineData"):
        return inline["mimeType"], len(base64.b64decode(inline["data"]))
    return "by address", len(part["fileData"]["fileUri"])


def _told(results: list[Json]) -> str:
    said = (result["response"] for result in results)
    return " ".join(
        str(r["result"]) if "result" in r else msgspec.json.encode(r).decode() for r in said
    )


def _calls(body: Json, text: str) -> list[Json]:
    """Calls of the tool that must be called, or whose name stands in the text."""
    tools = [d for t in body.get("tools") or () for d in t.get("functionDeclarations") or ()]
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode, allowed = calling.get("mode", "AUTO"), calling.get("allowedFunctionNames")
    if mode == "NONE" or not tools:
        return []
    named = [tool for tool in tools if tool["name"] in text]
    wanted = named or (tools[:1] if mode == "ANY" else [])
    if allowed:
        wanted = [tool for tool in tools if tool["name"] in allowed]
    return [_call(tool, place) for place, tool in enumerate(wanted)]


def _call(tool: Json, place: int) -> Json:
    schema = tool.get("parametersJsonSchema") or tool.get("parameters") or {"type": "object"}
    call = {"id": f"fc_{place}", "name": tool["name"], "args": sample(schema)}
    return {"functionCall": call} | ({} if place else {"thoughtSignature": "c2lnbmVk"})


def _text(content: Json) -> str:
    return " ".join(p["text"] for p in content.get("parts") or () if p.get("text"))


def _usage(prompt: int, made: int, thought: int) -> Json:
    found = {"promptTokenCount": prompt, "totalTokenCount": prompt + made + thought}
    found |= {"candidatesTokenCount": made} if made else {}
    return found | ({"thoughtsTokenCount": thought} if thought else {})


def _logprobs(text: str, top: int) -> Json:
    chosen = [{"token": word, "logProbability": -0.5, "tokenId": 1} for word in tokens(text)]
    tops = [{"candidates": [c | {"logProbability": -0.5 - i} for i in range(top)]} for c in chosen]
    return {"chosenCandidates": chosen, "topCandidates": tops}


def _join(kept: Json, more: Any) -> None:
    if more:
        so_far = kept.setdefault("logprobsResult", {"chosenCandidates": [], "topCandidates": []})
        for name in so_far:
            so_far[name] = so_far[name] + more[name]


def _joined(parts: list[Json]) -> list[Json]:
    """Texts that follow each other as one."""
    *before, last = parts
    if before and before[-1].keys() == last.keys() == {"text"}:
        return [*before[:-1], {"text": before[-1]["text"] + last["text"]}]
    return parts
