"""Our own routes: events as they are, requests by id, runners, settings, uploads, the router."""
