"""Writes docs/router/schema.json and docs/router/asyncapi.json from the types of the router.

usage: python tools/router_docs.py
"""

from __future__ import annotations

import json
from pathlib import Path

from breeze.service.router_schema import asyncapi, schema

FOLDER = Path(__file__).parent.parent / "docs" / "router"

for name, document in (("schema", schema()), ("asyncapi", asyncapi())):
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
