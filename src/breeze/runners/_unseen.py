"""What those leave out that see nothing but pictures."""

from __future__ import annotations

from collections.abc import Iterator

from breeze.contracts.events import Adjusted
from breeze.contracts.messages import FilePart, ImagePart, TextPart
from breeze.contracts.requests import ChatRequest


def unseen(request: ChatRequest) -> Iterator[Adjusted]:
    """A note for each file and each sound of `request`."""
    for i, message in enumerate(request.messages):
        for j, part in enumerate(message.parts):
            if not isinstance(part, TextPart | ImagePart):
                kind = "file" if isinstance(part, FilePart) else "audio"
                yield Adjusted(f"messages[{i}].content[{j}]", kind, None, "it sees pictures only")
