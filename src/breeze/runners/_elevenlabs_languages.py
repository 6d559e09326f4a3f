"""Languages as the vendor tells them, by three letters, and as we do."""

from __future__ import annotations

_PAIRS = (
    "afr:af ara:ar aze:az bel:be bul:bg bos:bs cat:ca ces:cs cym:cy dan:da deu:de ell:el eng:en "
    "spa:es est:et fas:fa fin:fi fra:fr gle:ga glg:gl heb:he hin:hi hrv:hr hun:hu hye:hy ind:id "
    "isl:is ita:it jpn:ja kat:ka kaz:kk khm:km kan:kn kor:ko lao:lo lit:lt lav:lv mkd:mk mal:ml "
    "mon:mn mar:mr msa:ms mlt:mt mya:my nep:ne nld:nl nor:no pan:pa pol:pl pus:ps por:pt ron:ro "
    "rus:ru slk:sk slv:sl som:so srp:sr swe:sv swa:sw tam:ta tel:te tha:th tgl:tl tur:tr ukr:uk "
    "urd:ur uzb:uz vie:vi zho:zh cmn:zh zul:zu"
)
_SHORT = dict(pair.split(":") for pair in _PAIRS.split())
"""ISO 639-3 -> ISO 639-1, which is what a language tag begins with where there is one."""


def tag_of(code: str, asked: str) -> str:
    """`eng` as `en`, or as the tag that was asked for when that is the same language."""
    short = _SHORT.get(code.lower(), code.lower())
    primary = asked.replace("_", "-").partition("-")[0].lower()
    return asked if short in ("", primary) else short
