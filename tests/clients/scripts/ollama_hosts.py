"""What the official client makes of `OLLAMA_HOST`."""

from ollama._client import _parse_host

SPELLINGS = [
    "", "1.2.3.4", ":56789", "1.2.3.4:56789", "http://1.2.3.4", "https://1.2.3.4",
    "https://1.2.3.4:56789", "example.com", "example.com:56789", "http://example.com",
    "https://example.com", "https://example.com:56789", "example.com/", "example.com:56789/",
    "example.com/path", "example.com:56789/path", "https://example.com:56789/path",
    "example.com:56789/path/", "[1:2:3:4::1]", "[1:2:3:4::1]:56789", "http://[1:2:3:4::1]",
    "https://[1:2:3:4::1]", "https://[1:2:3:4::1]:56789", "[1:2:3:4::1]/", "[1:2:3:4::1]:56789/",
    "[1:2:3:4::1]/path", "https://[1:2:3:4::1]:56789/path",
]  # fmt: skip


def parsed() -> dict[str, str]:
    return {said: _parse_host(said) for said in SPELLINGS}
