"""Languages as OpenAI's audio routes name them: asked for by code, answered by English name."""

from __future__ import annotations

_LISTED = (
    "af:afrikaans ar:arabic az:azerbaijani be:belarusian bg:bulgarian bs:bosnian ca:catalan "
    "cs:czech cy:welsh da:danish de:german el:greek en:english es:spanish et:estonian "
    "fa:persian fi:finnish fr:french gl:galician he:hebrew hi:hindi hr:croatian hu:hungarian "
    "hy:armenian id:indonesian is:icelandic it:italian ja:japanese kk:kazakh kn:kannada "
    "ko:korean lt:lithuanian lv:latvian mi:maori mk:macedonian mr:marathi ms:malay ne:nepali "
    "nl:dutch no:norwegian pl:polish pt:portuguese ro:romanian ru:russian sk:slovak "
    "sl:slovenian sr:serbian sv:swedish sw:swahili ta:tamil th:thai tl:tagalog tr:turkish "
    "uk:ukrainian ur:urdu vi:vietnamese zh:chinese"
)
NAMES = dict(pair.split(":") for pair in _LISTED.split())
"""ISO 639-1 code -> name, of the languages that the service lists."""
_CODES = {name: code for code, name in NAMES.items()}


def code_of(language: str) -> str:
    """`english` as `en`; a code or a tag (`en`, `en-GB`) stays as it is."""
    return _CODES.get(language.strip().lower(), language.strip())


def name_of(language: str) -> str:
    """`en-US` as `english`; what is not listed stays as it is."""
    return NAMES.get(language.lower().replace("_", "-").partition("-")[0], language)
