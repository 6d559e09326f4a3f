"""One file a runner; the file's name is the runner's name, and adding a runner is adding a file.

A runner imports `breeze.contracts` and nothing else of Breeze; vendor SDKs and heavy runtimes are
imported inside its functions. Files that begin with `_` are shared parts, not runners.
"""
