"""The engine over HTTP: OpenAI's routes under /v1, our own under /v2. `app.App` is plain ASGI."""
