"""What an operator can set on the huggingface runner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import SecretStr

from breeze.contracts.fields import Choice, choice, secret, switch, text
from breeze.contracts.parameters import ValidationResult
from breeze.runners._http_target import header_fields
from breeze.runners._vendor_parameters import VendorParameters

BASE_URL = "https://router.huggingface.co/hf-inference"


class HuggingFaceParameters(VendorParameters):
    """Where models are asked, and with which key. The key goes to that server and nowhere else."""

    home: ClassVar[str] = "huggingface.co"

    base_url: str = text(
        BASE_URL,
        "Address up to what stands before /models, or that of an endpoint of your own",
        title="Base URL",
        category="Connection",
        requires_reload=True,
    )
    api_key: SecretStr = secret(
        "Access token, which begins with hf_; endpoints of your own may need none",
        title="Access token",
        env="HF_TOKEN",
        requires_reload=True,
    )
    bill_to: str = text(
        "",
        "Organisation that pays, by its name there",
        category="Authentication",
        requires_reload=True,
    )
    dedicated: bool = switch(
        False,
        "The address is an endpoint of your own: it serves one model, whose name is left out",
        category="Connection",
        requires_reload=True,
    )
    wait_for_model: bool = switch(
        False,
        "Let the server load a model first, instead of refusing until it has (E502)",
        category="Requests",
        requires_reload=True,
    )
    use_cache: bool = switch(
        True,
        "Let the server answer from its memory what it was asked before",
        category="Requests",
        requires_reload=True,
    )
    timestamps: str = choice(
        "auto",
        [
            Choice("auto", "By model", "For models with “whisper” in their name"),
            Choice("always", "Always", "Models that do not know them refuse"),
            Choice("never", "Never", "The text alone, which every model gives"),
        ],
        "When to ask for the times of what is heard",
        category="Requests",
    )

    def cross_check(self) -> Iterator[ValidationResult]:
        yield from super().cross_check()
        if self.key and self.at_home and not self.key.startswith("hf_"):
            yield ValidationResult("api_key", "invalid", "is no access token: those begin with hf_")

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return {
            **header_fields(self.headers),
            "authorization": f"Bearer {self.key}" if self.key else "",
            "x-hf-bill-to": self.bill_to,
            "x-wait-for-model": "true" if self.wait_for_model else "",
            "x-use-cache": "" if self.use_cache else "false",
        }
