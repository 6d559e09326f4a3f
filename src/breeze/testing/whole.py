"""Whether what a stream added up to is the whole answer that it claims."""

from __future__ import annotations

from breeze.contracts.answers import Answer

_PARTS: dict[str, tuple[str, ...]] = {
    "ChatAnswer": ("choices",),
    "Transcription": ("text", "segments"),
    "Speech": ("audio", "format", "sample_rate", "channels"),
    "Moderation": ("status", "risk", "categories", "action", "filtered_text"),
    "Pictures": ("images",),
    "Embeddings": ("vectors",),
}
_LONGEST = 60


def difference(added: Answer, claimed: Answer) -> str:
    """How `claimed` differs from what the events `added` up to; empty when it does not."""
    if type(added) is not type(claimed):
        return f"Finish carries a {type(claimed).__name__}, not a {type(added).__name__}"
    for part in (*_PARTS[type(added).__name__], "usage", "finish_reason"):
        ours, theirs = getattr(added, part), getattr(claimed, part)
        if ours != theirs:
            return f"{part} adds up to {_short(ours)}, but Finish says {_short(theirs)}"
    return ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
