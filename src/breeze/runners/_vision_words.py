"""The words by which questions are known, in English, Chinese, German, Spanish and French."""

from __future__ import annotations

import re
from enum import StrEnum


class Topic(StrEnum):
    """A kind of question that can be answered."""

    ANY_TEXT = "any_text"
    TEXT = "text"
    COLOUR = "colour"
    WHERE = "where"
    FACES = "faces"
    CODES = "codes"
    SIZE = "size"
    DESCRIBE = "describe"


PICTURE = r"(?:image|picture|photo|photograph|screenshot|scan|drawing)"
SIGN = (
    r"(?:sign|label|board|screen|page|poster|ticket|receipt|document|invoice|button|card|note"
    r"|shirt)"
)

_WORDS: dict[Topic, tuple[str, ...]] = {
    Topic.ANY_TEXT: (
        r"(?:is|are) there (?:any )?(?:text|words?|writing|letters|caption)",
        r"(?:contain|have|has|show)s? (?:any )?(?:text|words|writing)\b",
        r"有(?:沒有|没有)?文?字",
        r"gibt es (?:einen )?text",
        r"hay (?:algún )?texto",
        r"y a[- ]t[- ]il du texte",
    ),
    Topic.TEXT: (
        r"\b(?:says?|said|reads?|readable|text|written|write|writing|words?|caption|letters)\b",
        r"\b(?:transcri\w+|ocr|spell\w*|inscription|headline)\b",
        rf"\b(?:on|in) (?:the|this|that) {SIGN}\b",
        r"\b(?:what|which) sign\b",
        r"[寫写]什[麼么]|文字|[讀读]|唸",
        r"steht|\blies\b|lesen|schrift|wörter",
        r"\bdice\b|\bleer?\b|texto|escrito|palabras",
        r"\blire\b|\blis\b|texte|écrit|\bmots\b",
    ),
    Topic.COLOUR: (
        r"\bcolou?r(?:s|ed)?\b|\bhues?\b|\bshade\b|palette",
        r"[顏颜]色",
        r"\bfarben?\b",
        r"\bcolor(?:es)?\b",
        r"\bcouleurs?\b",
    ),
    Topic.WHERE: (
        r"\bwhere\b|\bposition\b|\blocat(?:e|ion)\b|coordinates",
        r"在哪|位置",
        r"\bwo\b",
        r"d[óo]nde",
        r"\boù\b",
    ),
    Topic.FACES: (
        r"\bfaces?\b|count the people|\b(?:any|some)(?:one|body)\b|\bwho\b",
        r"how many (?:people|persons|men|women|children|humans|heads)",
        r"(?:is|are) there (?:any |a |some )?(?:people|persons?|humans?|man|woman|child)\b",
        r"[幾几多]少?[個个]?人|[臉脸]|誰|谁",
        r"gesicht|wie viele (?:personen|leute|menschen)|\bwer\b",
        r"\bcaras?\b|rostros?|cu[áa]ntas personas|quién",
        r"visages?|combien de personnes|\bqui est\b",
    ),
    Topic.CODES: (
        r"\bqr\b|\bqr.?codes?\b|bar.?codes?\b|\bean\b|\bupc\b",
        r"二[維维][碼码]|[條条]形?[碼码]",
        r"strichcode",
        r"c[óo]digo",
        r"code.barres",
    ),
    Topic.SIZE: (
        r"\bsize\b|resolution|dimensions?\b|\bwidth\b|\bheight\b|pixels?\b|\bformat\b|file type",
        r"aspect ratio|\borientation\b|portrait or landscape|transparen\w+",
        r"how (?:big|large|wide|tall|high)\b",
        r"尺寸|大小|解析度|分辨率|格式|多大",
        r"größe|auflösung|\bbreite\b|\bhöhe\b",
        r"tamaño|resoluci[óo]n|formato",
        r"\btaille\b|résolution|largeur|hauteur",
    ),
    Topic.DESCRIBE: (
        r"\bdescri(?:be|ption)\w*|what (?:do|can) you see|tell me about|overview|analy[sz]e",
        rf"what(?:'s| is) (?:in|on|this|that|it|here|shown) ?(?:the |this )?{PICTURE}?[ ?!.]*$",
        rf"what does (?:it|this|the {PICTURE}|this {PICTURE}) show|summari[sz]e|looks? like",
        r"描述|看到什|看見什|[圖图]中有|是什[麼么][ ?？]*$",  # noqa: RUF001
        r"beschreib\w*|was siehst|was ist (?:zu sehen|auf)",
        r"describ[ae]|qu[ée] (?:ves|hay|muestra)",
        r"décri\w+|que vois|qu'y a",
    ),
}
PATTERNS = {
    topic: re.compile("|".join(f"(?:{words})" for words in ways), re.IGNORECASE)
    for topic, ways in _WORDS.items()
}
"""By topic, what a question about it contains."""

CODE = re.compile(r"\bqr|code\b|[碼码]", re.IGNORECASE)
"""In the name of a thing: it is a QR code or barcode."""
PERSON = re.compile(
    r"\b(?:faces?|persons?|people|man|men|woman|women|boy|girl|child|children|heads?"
    r"|gesicht(?:er)?|mensch(?:en)?|mann|frau|cara|rostro|persona|visage|personnes?)\b|[臉脸人]",
    re.IGNORECASE,
)
"""In the name of a thing: it is a person."""
TARGET = re.compile(
    r"\bwhere(?:'s| is| are| does| do| can i (?:see|find))?\s+(?:the |a |an |my )?([^?.!,;]{1,80})"
    r"|\b(?:locate|position of|location of|coordinates of)\s+(?:the |a |an )?([^?.!,;]{1,80})"
    r"|\bwo (?:ist|sind|steht)\s+(?:der |die |das |ein |eine )?([^?.!,;]{1,80})"
    r"|d[óo]nde est[áa]n?\s+(?:el |la |los |las |un |una )?([^?.!,;]{1,80})"
    r"|\boù (?:est|sont)\s+(?:le |la |les |l'|un |une )?([^?.!,;]{1,80})"
    r"|([^?？。,，\s]{1,40}?)(?:是)?在哪",  # noqa: RUF001
    re.IGNORECASE,
)
"""The thing whose place is wanted, in one of the groups."""
TAIL = re.compile(
    rf"\s+(?:(?:in|on|within) (?:the|this) {PICTURE}|located|shown|placed|here|appear)\s*$",
    re.IGNORECASE,
)
"""What may follow the name of that thing."""
HEAD = re.compile(r"^(?:words?|text|line|colou?r)\s+(?=\S)", re.IGNORECASE)
"""What may come before it."""
AND = re.compile(r"\s+(?:and|und|y|et)\s+.*$", re.IGNORECASE)
"""Where the next question begins."""
QUOTED = re.compile(r"[\"“«]([^\"”»]{1,80})[\"”»]")
ELSEWHERE = re.compile(r"\b(?:taken|shot|made|lives?|born|from)\b", re.IGNORECASE)
"""A question with it is not about a place in the picture."""
WHO = re.compile(r"\bwho\b|\bwer\b|quién|\bqui est\b|誰|谁", re.IGNORECASE)
BEYOND = re.compile(
    r"\btranslat|summari[sz]|\bmean(?:s|ing)?\b|\bexplain|翻譯|翻译|übersetz|traduc|tradui",
    re.IGNORECASE,
)
"""A question with it wants text understood, not only read."""
ABOUT_TEXT = re.compile(
    rf"\b(?:{SIGN}|text|words?|letters|writing|background)\b|字|schild", re.IGNORECASE
)
