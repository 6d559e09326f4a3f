"""Wire dialects of others to and from our types: pure functions, shared by servers and runners."""
