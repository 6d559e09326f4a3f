"""Runs with a server's own client: prints, as JSON, what an expression about `client` gives."""

import importlib
import json
import sys

_, url, expression = sys.argv
try:
    make = importlib.import_module("ogx_client").OgxClient
except ImportError:
    make = importlib.import_module("llama_stack_client").LlamaStackClient
client = make(base_url=url)
print(json.dumps(eval(expression, {"client": client})))
