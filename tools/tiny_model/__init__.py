"""Makes and measures the embedded model; nothing of it is installed with the engine."""
