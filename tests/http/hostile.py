"""What nobody sends by accident: bodies, forms, sounds, pictures, addresses and names."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

from tests.http import raw
from tests.http.files import png, png_bomb, wav

KEY = "canary-operator-5f3c9d"
JSON_ROUTES = (
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/images/generations",
    "/v1/moderations", "/v1/audio/speech", "/v2/explain", "/v2/stream/llm", "/v2/stream/vlm",
    "/v2/stream/asr", "/v2/stream/tts", "/v2/stream/guardian", "/v2/stream/image",
    "/v2/stream/embedding", "/v2/settings",
)  # fmt: skip
FORM_ROUTES = ("/v1/audio/transcriptions", "/v1/audio/translations", "/v2/uploads")


def ask(method: str, path: str, body: bytes = b"", /, **headers: str) -> bytes:
    """A request that knows the operator's key, unless another is given."""
    return raw.request(method, path, body, **{"x_api_key": KEY, **headers})


def post(path: str, body: Any, /, **headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    method = "PATCH" if path == "/v2/settings" else "POST"
    return ask(method, path, data, **headers)


def chat(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": "What is it?"}, *parts]
    return {"model": "auto", "messages": [{"role": "user", "content": content}], **fields}


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def form(*parts: bytes, boundary: bytes = b"b") -> bytes:
    return b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts) + b"--b--\r\n"


def sound(data: bytes, name: str = "a.wav") -> bytes:
    head = f'content-disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return form(head.encode("latin-1") + data)


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b" " * 10_000,
    "null": b"null",
    "list": b"[]",
    "text": b'"x"',
    "number": b"123",
    "open": b"{",
    "closed": b"}",
    "no value": b'{"model":}',
    "trailing comma": b'{"model":"auto",}',
    "two values": b"{}{}",
    "single quotes": b"{'model':'auto'}",
    "comment": b'{/* */"model":"auto"}',
    "NaN": b'{"model":"auto","temperature":NaN,"messages":[],"deadline":NaN}',
    "Infinity": b'{"model":"auto","temperature":Infinity,"deadline":-Infinity}',
    "overflow": b'{"temperature":1e999,"deadline":1e999,"speed":1e999}',
    "huge integer": b'{"n":' + b"9" * 5000 + b',"max_tokens":' + b"9" * 400 + b"}",
    "deep list": b'{"messages":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep and open": b"[" * 1_000_000,
    "twice the same key": b'{"model":"a","model":"b","messages":[],"messages":"x"}',
    "invalid UTF-8": b'{"model":"\xff\xfe\xc0\x80","input":"\xed\xa0\x80"}',
    "lone surrogate": b'{"model":"\\ud800","input":"\\udfff","text":"\\ud83d","prompt":"\\ud800"}',
    "NUL": b'{"model":"a\\u0000b","input":"\\u0000","text":"\\u0000","prompt":"\\u0000"}',
    "raw control": b'{"model":"a\x01\x02\r\n"}',
    "byte order mark": b'\xef\xbb\xbf{"model":"auto"}',
    "UTF-16": '{"model":"auto"}'.encode("utf-16"),
    "UTF-32": '{"model":"auto"}'.encode("utf-32"),
    "many keys": json.dumps({f"k{i}": i for i in range(50_000)}).encode(),
    "long key": json.dumps({"k" * 1_000_000: 1}).encode(),
    "special keys": b'{"__class__":"x","__init__":{},"__proto__":{},"self":1,"constructor":1}',
    "templates": b'{"model":"{{7*7}}${7*7}%s%n{0.__class__}","input":"{0.__class__.__mro__}"}',
    "script": b"<script>alert(1)</script>",
    "binary": bytes(range(256)) * 100,
    "wrong kinds": b'{"model":[],"messages":{},"input":{},"prompt":{"a":1},"text":3,"stream":"no"}',
    "type of the wrong kind": b'{"type":[],"texts":[]}',
    "type that is none": b'{"type":"__class__","texts":[]}',
    "nothing in it": b'{"model":"","messages":[],"input":[],"prompt":[],"texts":[],"stop":[""]}',
    "negative": b'{"n":-1,"max_tokens":-5,"dimensions":-1,"speed":-1,"size":"-1x-1","seed":-1}',
    "large numbers": b'{"n":9223372036854775808,"seed":18446744073709551616,"top_k":1e400}',
}
"""Bodies that are sent to every route that takes JSON."""

FORM = "multipart/form-data; boundary=b"
FORMS: dict[str, tuple[bytes, str]] = {
    "no boundary": (form(b"x: y\r\n\r\nz"), "multipart/form-data"),
    "empty boundary": (form(b"x: y\r\n\r\nz"), "multipart/form-data; boundary="),
    "long boundary": (b"--b\r\n", "multipart/form-data; boundary=" + "b" * 5000),
    "boundary is not in it": (b"x" * 100_000, FORM),
    "no end": (sound(wav())[:-10], FORM),
    "nothing": (b"", FORM),
    "only the end": (b"--b--\r\n", FORM),
    "no name": (form(b"content-disposition: form-data\r\n\r\nx"), FORM),
    "no headers": (form(b"\r\nx"), FORM),
    "many parts": (
        form(*[b"content-disposition: form-data; name=a%d\r\n\r\n1" % i for i in range(20_000)]),
        FORM,
    ),
    "many files": (
        form(*[b"content-disposition: form-data; name=file; filename=a\r\n\r\nx"] * 500),
        FORM,
    ),
    "many headers in a part": (
        form(b"".join(b"x-%d: 1\r\n" % i for i in range(20_000)) + b"\r\nx"), FORM,
    ),
    "a header that never ends": (b"--b\r\nx: " + b"a" * 2_000_000, FORM),
    "a name that never ends": (b"--b\r\n" + b"a" * 2_000_000, FORM),
    "nearly boundaries": (b"--b\r\nx: y\r\n\r\n" + b"\r\n--" * 1_000_000, FORM),
    "line breaks": (b"\r\n" * 1_000_000, FORM),
    "long field": (
        form(b"content-disposition: form-data; name=model\r\n\r\n" + b"x" * 2_000_000), FORM,
    ),
    "invalid UTF-8": (
        form(b"content-disposition: form-data; name=model\r\n\r\n\xff\xfe"), FORM,
    ),
    "encoded part": (
        form(b"content-disposition: form-data; name=file\r\ncontent-transfer-encoding: base64"
             b"\r\n\r\nAAAA"), FORM,
    ),
    "JSON": (b'{"file":"/etc/passwd"}', "application/json"),
    "address as a file": (
        form(b"content-disposition: form-data; name=file\r\n\r\nhttp://127.0.0.1/"), FORM,
    ),
    "path as a file": (
        form(b"content-disposition: form-data; name=file\r\n\r\nupload:../../secrets.json"),
        FORM,
    ),
    "path as a name": (sound(wav(), "../../../etc/passwd"), FORM),
    "quotes in a name": (sound(wav(), 'a"; name="model\\'), FORM),
    "deep fields": (
        form(b"content-disposition: form-data; name=a" + b"[b]" * 1000 + b"\r\n\r\n1"), FORM,
    ),
}  # fmt: skip
"""Forms that are sent to every route that takes one."""


def wav_of(**facts: int) -> bytes:
    """A WAV whose format chunk says what it is told."""
    told = {
        "tag": 1,
        "channels": 1,
        "rate": 16_000,
        "bytes": 32_000,
        "block": 2,
        "bits": 16,
    } | facts
    head = struct.pack("<HHIIHH", *told.values())
    return (
        b"RIFF" + struct.pack("<I", 2036) + b"WAVEfmt " + struct.pack("<I", 16) + head
        + b"data" + struct.pack("<I", 2000) + bytes(2000)
    )  # fmt: skip


SOUNDS: dict[str, bytes] = {
    "says four gigabytes": wav(says=0xFFFFFFFF),
    "says two gigabytes": wav(says=0x7FFFFFFF),
    "says nothing": wav(says=0),
    "rate of zero": wav_of(rate=0),
    "rate of four gigahertz": wav_of(rate=0xFFFFFFFF),
    "no channels": wav_of(channels=0),
    "all channels": wav_of(channels=0xFFFF),
    "no bits": wav_of(bits=0),
    "odd bits": wav_of(bits=13),
    "huge blocks": wav_of(block=0xFFFF),
    "unknown format": wav_of(tag=0xFFFF),
    "head only": wav()[:44],
    "half a head": wav()[:20],
    "four letters": b"RIFF",
    "no format": b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff" + bytes(1000),
    "chunk of minus one": b"RIFF\x24\0\0\0WAVEfmt \xff\xff\xff\xff" + bytes(100),
    "endless chunks": b"RIFF\xff\xff\xff\xffWAVE" + b"junk\0\0\0\0" * 50_000,
    "MP3 in name": b"\xff\xfb\x90\x64" + bytes(5000),
    "Ogg in name": b"OggS" + bytes(5000),
    "MP4 in name": b"\0\0\0\x20ftypM4A " + b"\xff" * 5000,
    "FLAC in name": b"fLaC\0\0\0\x22" + b"\xff" * 5000,
    "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "DASH": b'<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1/</BaseURL></MPD>',
    "picture": png(),
    "text": b"Hello" * 1000,
    "zip": b"PK\x03\x04" + bytes(1000),
}
"""Files that are no honest sound."""

_ZTXT = zlib.compress(bytes(30_000_000), 9)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PICTURES: dict[str, str] = {
    "bomb": uri(png_bomb()),
    "widest": uri(png(2**31 - 1, 1, b"")),
    "size of zero": uri(png(0, 0, b"")),
    "compressed text": uri(png()[:33] + chunk(b"zTXt", b"a\0\0" + _ZTXT) + png()[33:]),
    "compressed profile": uri(png()[:33] + chunk(b"iCCP", b"a\0\0" + _ZTXT) + png()[33:]),
    "chunk of four gigabytes": uri(png()[:33] + b"\xff\xff\xff\xffIDAT" + bytes(100)),
    "cut": uri(png(64, 64)[:60]),
    "magic only": uri(b"\x89PNG\r\n\x1a\n"),
    "GIF of many frames": uri(
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff"
        + b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0" * 20_000 + b";"
    ),
    "GIF of all sizes": uri(b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(20)),
    "BMP of all sizes": uri(b"BM" + bytes(12) + struct.pack("<Iii", 40, 2**31 - 1, 2**31 - 1)),
    "TIFF that points at itself": uri(b"II*\0\x08\0\0\0\x01\0\x00\x01\x04\0\xff\xff\xff\xff" * 20),
    "SVG": uri(b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
    "PostScript": uri(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n(/etc/passwd) (r) file"),
    "PDF": uri(b"%PDF-1.7\n" + bytes(100)),
    "zip": uri(b"PK\x03\x04" + bytes(100)),
    "not base64": "data:image/png;base64,@@@@",
    "not encoded": "data:image/png,AAAA",
    "no data": "data:image/png;base64,",
    "no comma": "data:image/png;base64",
    "long type": "data:" + "a" * 100_000 + ";base64,AAAA",
}  # fmt: skip
"""Pictures that are no honest pictures, as a chat would carry them."""

_TALK = "/v1/chat/completions"
COSTLY: dict[str, tuple[str, dict[str, Any]]] = {
    "many messages": (_TALK, {"messages": [{"role": "user", "content": "x"}] * 100_000}),
    "many parts": (_TALK, chat(*[{"type": "text", "text": "x"}] * 100_000)),
    "many pictures": (_TALK, chat(*[image(uri(png()))] * 5000)),
    "many tools": (
        _TALK,
        chat(tools=[{"type": "function", "function": {"name": f"f{i}"}} for i in range(20_000)]),
    ),
    "slow pattern": (_TALK, chat(response_format={"type": "json_schema", "json_schema": {
        "name": "x", "schema": {"type": "string", "pattern": "^(a+)+$(.*)*\\1"}}})),
    "schema of itself": (_TALK, chat(response_format={"type": "json_schema", "json_schema": {
        "name": "x", "schema": {"$ref": "#", "items": {"$ref": "#"}}}})),
    "huge schema": (_TALK, chat(response_format={"type": "json_schema", "json_schema": {
        "name": "x", "schema": {"type": "array", "minItems": 10**9, "maxItems": 10**12}}})),
    "many stops": (_TALK, chat(stop=["x" * 1000] * 10_000)),
    "long stop": (_TALK, chat(stop="x" * 1_000_000)),
    "many biases": (_TALK, chat(logit_bias={str(i): 1 for i in range(100_000)})),
    "long text": (_TALK, {"messages": [{"role": "user", "content": "a " * 5_000_000}]}),
    "many answers": (_TALK, chat(n=1_000_000)),
    "long prompt": ("/v1/completions", {"prompt": ["x"] * 100_000, "n": 16, "best_of": 100}),
    "many texts": ("/v1/embeddings", {"input": ["x"] * 200_000}),
    "many dimensions": ("/v1/embeddings", {"input": "x", "dimensions": 2**31}),
    "many tokens": ("/v1/embeddings", {"input": [list(range(100_000))]}),
    "long words to judge": ("/v1/moderations", {"input": "a" * 2_000_000}),
    "many words to judge": ("/v1/moderations", {"input": ["kill " * 100] * 10_000}),
    "slow words to judge": ("/v1/moderations", {"input": "4111 1111 " * 50_000 + "@a.b" * 50_000}),
    "long speech": ("/v1/audio/speech", {"input": "word " * 100_000, "model": "auto"}),
    "speech of marks": ("/v1/audio/speech", {"input": "!?" * 2000, "model": "auto"}),
    "speech as markup": ("/v1/audio/speech", {"input": "<audio src='/etc/passwd'/>"}),
    "many pictures to draw": ("/v1/images/generations", {"prompt": "x", "n": 10**6}),
    "large pictures": ("/v1/images/generations", {"prompt": "x", "n": 10, "size": "8192x8192"}),
    "larger pictures": ("/v2/stream/image", {"prompts": ["x"] * 100, "size": "8192x8192"}),
}  # fmt: skip
"""Requests in good order that ask for far too much."""

ADDRESSES = (
    "http://127.0.0.1/", "http://127.0.0.1:22/", "http://localhost/", "http://localhost:6379/",
    "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://0/",
    "http://0.0.0.0/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/", "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://[fe80::1]/",
    "http://224.0.0.1/", "http://255.255.255.255/", "http://user:pass@127.0.0.1/",
    "http://example.com@127.0.0.1/", "http://example.com\\@127.0.0.1/", "http://127.0.0.1\\.a.b/",
    "http://\u2460\u2461\u2466.0.0.1/", "http://127.0.0.1%00.example.com/", "http://127.0.0.1./",
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://127.0.0.1/", "//127.0.0.1/",
    "HTTP://127.0.0.1/", "http:127.0.0.1", "http:///127.0.0.1", "jar:http://127.0.0.1!/",
    "upload:../../secrets.json", "upload:/etc/passwd", "upload:", "/etc/passwd", "~/.ssh/id_rsa",
)  # fmt: skip
"""Places to which no caller may send the server."""

TRAVERSALS = (
    "..", "../..", "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd",
    "....//....//etc/passwd", "..\\..\\secrets.json", "..%5c..%5csecrets.json", "%00", "a%00.png",
    "/etc/passwd", "%2fetc%2fpasswd", "file:%2f%2f%2fetc%2fpasswd", "..;/", "%c0%ae%c0%ae/",
    "%ff%fe", "%F0%9F%92%A9", "secrets.json", ".", "%2e", "a" * 4000, "%20", "'%20OR%201=1--",
    "{id}", "*", "%25%32%65", "~root", "CON", "aux.json", "upload-%2e%2e%2fsecrets.json",
)  # fmt: skip
"""Names for the part of a path that is somebody's id."""
