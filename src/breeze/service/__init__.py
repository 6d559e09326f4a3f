"""What a server keeps beside the engine: who may do what, uploads, requests, the router."""
