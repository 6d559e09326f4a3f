"""Model files: what ships inside the package (`embedded/`), the catalogue and the store.

`embedded/breeze-tiny-q8_0.gguf` is a demo language model of the project's own making. Its card,
`embedded/breeze-tiny.json`, gives name, size, SHA-256, licence and what was measured; how it is
made and what it can do is in `docs/embedded-model.md`.
"""
