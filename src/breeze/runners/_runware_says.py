"""How the server names its errors, and which fields of ours its parameters are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breeze.contracts.errors import NotFoundError, ProcessingError
from breeze.runners._http_error_words import (
    BLOCKED,
    BUSY,
    DOWN,
    FORBIDDEN,
    INPUT,
    KEY,
    LOADING,
    MODEL,
    QUOTA,
    RATE,
    SLOW,
    Kind,
    Says,
)

LOST = "taskfailedornotfound"
GONE = Kind(NotFoundError, "Ask for it again.", field="prompts")
MADE_BADLY = Kind(ProcessingError, "Send the request again.", detail="provider")
"""The machine that did the work failed; another may not."""

_WORDS: dict[str, Kind] = {
    **dict.fromkeys(("invalidapikey", "missingapikey", "authenticationfailed", "authfailed",
                     "invalidauthentication", "invalidcredentials", "tokenexpired",
                     "tokeninvalid", "tokenmissing", "tokenrevoked"), KEY),
    **dict.fromkeys(("unauthorized", "forbidden", "permissiondenied", "insufficientpermissions",
                     "accountsuspended", "accountdisabled"), FORBIDDEN),
    **dict.fromkeys(("insufficientcredits", "quotaexceeded", "paymentrequired"), QUOTA),
    "ratelimitexceeded": RATE,
    **dict.fromkeys(("contentpolicyviolation", "providercontentpolicyviolation",
                     "nsfwcontentdetected", "sensitivecontentdetected", "unsafecontentdetected",
                     "promptblocked", "imageblocked", "moderationfailed",
                     "invalidprovidercontent"), BLOCKED),
    **dict.fromkeys(("timeoutprovider", "requesttimeout", "timeout"), SLOW),
    **dict.fromkeys(("modelnotready", "noavailableserver"), LOADING),
    **dict.fromkeys(("modelunavailable", "serviceunavailable", "serverunavailable"), DOWN),
    **dict.fromkeys(("inferenceerror", "processingfailed", "taskfailed", "internalservererror",
                     "unknownerror", "standarderror"), MADE_BADLY),
    "serveroverloaded": BUSY,
    "modelnotfound": MODEL, "unknownmodel": MODEL, "invalidmodel": MODEL,
    LOST: GONE,
}  # fmt: skip
_WRONG = ("invalid", "missing", "unsupported", "conflict", "duplicate", "max", "value", "array")
FIELDS = {
    "positivePrompt": "prompts", "negativePrompt": "negative_prompt", "width": "size",
    "height": "size", "CFGScale": "guidance", "steps": "steps", "seed": "seed", "model": "model",
    "numberResults": "count", "outputFormat": "format", "seedImage": "image", "inputs": "image",
    "inputs.image": "image", "strength": "strength", "scheduler": "scheduler",
    "upscaleFactor": "upscale_factor", "prompt": "messages",
}  # fmt: skip


def _judge(found: Mapping[str, Any], status: int) -> Kind | None:
    """By how the code begins or ends: there are hundreds, and only some stand in the table."""
    code = found.get("code")
    if not isinstance(code, str) or (word := code.lower()) in _WORDS:
        return None
    if "credits" in word or "quota" in word or "balance" in word:
        return QUOTA
    if "apikey" in word:
        return KEY
    if "timeout" in word:
        return SLOW
    if word.endswith(("notfound", "expired")):
        return GONE
    if word.startswith("provider"):
        return MADE_BADLY
    return INPUT if word.startswith(_WRONG) else None


SAYS = Says(words=_WORDS, judge=_judge)


def field_of(found: Mapping[str, Any]) -> str:
    """Our field for the parameter that an error names, empty when it names none."""
    said = found.get("parameter")
    first = said[0] if isinstance(said, list) and said else said
    return FIELDS.get(first, "") if isinstance(first, str) else ""
