"""Every route that the server has."""

from __future__ import annotations

from breeze.surfaces.http import health, metrics, openapi, ready
from breeze.surfaces.http.native import models as store
from breeze.surfaces.http.native import requests, router, runners, settings, stream, uploads
from breeze.surfaces.http.openai import (
    chat,
    completions,
    embeddings,
    images,
    models,
    moderations,
    rerank,
    speech,
    transcriptions,
)
from breeze.surfaces.http.routes import Table

TABLE = Table(
    (
        *health.ROUTES,
        *ready.ROUTES,
        *metrics.ROUTES,
        *openapi.ROUTES,
        *chat.ROUTES,
        *completions.ROUTES,
        *embeddings.ROUTES,
        *rerank.ROUTES,
        *images.ROUTES,
        *moderations.ROUTES,
        *models.ROUTES,
        *speech.ROUTES,
        *transcriptions.ROUTES,
        *stream.ROUTES,
        *requests.ROUTES,
        *runners.ROUTES,
        *store.ROUTES,
        *settings.ROUTES,
        *uploads.ROUTES,
        *router.ROUTES,
    )
)
