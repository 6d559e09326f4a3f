"""One small runner for each capability, working as it stands: what `breeze new-runner` copies.

`my_runner`, `MyRunner`, `MyParameters` and `My Company` become the new runner's own names.
"""
