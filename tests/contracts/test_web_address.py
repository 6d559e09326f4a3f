"""URLs that callers give: one reading of each, and nobody is sent where not everybody may go."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from breeze.contracts.errors import InputError
from breeze.contracts.web_address import Place, is_public, place_of


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://example.com", Place("http", "example.com", 80, "/")),
        ("https://Example.COM:443/A?b=%20#c", Place("https", "example.com", 443, "/A?b=%20")),
        ("https://93.184.216.34/", Place("https", "93.184.216.34", 443, "/")),
        ("http://[2606:2800:220:1::1]?q", Place("http", "2606:2800:220:1::1", 80, "/?q")),
        ("http://[2606:2800:0:0:0:0:0:1]/", Place("http", "2606:2800::1", 80, "/")),
        ("https://xn--bcher-kva.example/", Place("https", "xn--bcher-kva.example", 443, "/")),
        ("http://a_b.example/", Place("http", "a_b.example", 80, "/")),
    ],
)
def test_a_plain_url_leads_somewhere(url: str, place: Place) -> None:
    assert place_of(url, "url") == place


REFUSED = [
    "", "example.com", "//example.com/", "ftp://example.com/", "file:///etc/passwd", "HTTP://x.y/",
    "gopher://example.com/", "data:image/png;base64,AAAA", "javascript:alert(1)", "http:/x.y",
    "http:///", "http://", "http://?x", "http://#x", "jar:http://x.y!/", "http:x.y", "http:\\\\x.y",
    "http://user@example.com/", "http://user:pw@example.com/", "http://example.com@127.0.0.1/",
    "http://example.com\\@127.0.0.1/", "http://127.0.0.1\\.example.com/", "http://a b/",
    "http://example.com:0x50/", "http://example.com:/", "http://example.com:80:80/",
    "http://example.com:8080/", "https://example.com:80/", "http://example.com:443/",
    "http://example.com:22/", "http://example.com:65536/", "http://example.com:080000/",
    "http://example.com/\r\nhost: x", "http://example.com/\t", "http://exam\0ple.com/",
    "http://example.com/\u2028", "http://ex\u00e4mple.com/", "http://\u2460\u2461\u2466.0.0.1/",
    "http://127.0.0.1\u3002example.com/", "http://example\uff0ecom/", "http://example.com./",
    "http://-a.example/", "http://a-.example/", "http://a..b/", "http://.a/", "http://%31/",
    "http://example%2ecom/", "http://example.com%00.evil/", "http://[::1/", "http://::1/",
    "http://[1.2.3.4]/", "http://[::1]x/", "http://[::1%25lo]/", "http://[fe80::1%eth0]/",
    "http://[v1.x]/", "http://" + "a" * 64 + ".example/", "http://example.com/" + "a" * 2048,
    " http://example.com/", "http://example.com/ ", "http://example.com/<x>", "http://a,b/",
    # numbers that some reader takes for an address
    "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0/",
    "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.01/",
    "http://127.0.0.1.1/", "http://256.1.1.1/", "http://4294967297/", "http://1.2.3/",
    "http://0x/", "http://0X7F.1/", "http://00000127.0.0.1/", "http://127.0.0.0x1/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        place_of(url, "messages[0].images[0]")
    assert caught.value.field == "messages[0].images[0]"


def test_a_configured_port_is_fine() -> None:
    assert place_of("http://example.com:8080/", "url", {8080}).authority == "example.com:8080"


PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200",
    "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "168.63.129.16",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1", "2001:db8::1",
    "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fec0::1", "ff02::1", "ffff::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700:4700::1111", "2a00::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is(address: str) -> None:
    assert is_public(ip_address(address))


def test_what_is_configured_counts_as_public() -> None:
    networks = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]
    assert is_public(ip_address("10.1.2.3"), networks)
    assert is_public(ip_address("fd00::1"), networks)
    assert not is_public(ip_address("10.2.0.1"), networks)
