"""Every route that the server has."""

from __future__ import annotations

from breeze.surfaces.http import health
from breeze.surfaces.http.openai import chat
from breeze.surfaces.http.routes import Table

TABLE = Table((*health.ROUTES, *chat.ROUTES))
