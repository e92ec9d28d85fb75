"""Addresses of the whole desk. They stay put: people bookmark them."""

from django.contrib import admin
from django.urls import include, path

from dashboard.health import healthz, readyz
from dashboard.views import saved_views, tokens
from dashboard.views.home import home
from dashboard.views.preferences import preferences
from dashboard.views.search import search
from dashboard.views.upstreams import outbox, overview, refused, webhooks

handler400 = "dashboard.views.errors.bad_request"
handler403 = "dashboard.views.errors.permission_denied"
handler404 = "dashboard.views.errors.page_not_found"
handler500 = "dashboard.views.errors.server_error"

urlpatterns = [
    path("", home, name="home"),
    path("preferences/", preferences, name="preferences"),
    path("preferences/tokens/", tokens.api_tokens, name="api-tokens"),
    path("preferences/tokens/<int:pk>/revoke/", tokens.api_token_revoke, name="api-token-revoke"),
    path("preferences/views/", saved_views.saved_view_new, name="saved-view-new"),
    path("preferences/views/<int:pk>/", saved_views.saved_view, name="saved-view"),
    path("search/", search, name="search"),
    path("", include("payments.urls")),
    path("", include("customers.urls")),
    path("", include("upstreams.urls")),
    path("upstreams/", overview.upstreams, name="upstreams"),
    path(
        "upstreams/<str:upstream>/sending/stop/",
        overview.sending_stop,
        name="upstreams-sending-stop",
    ),
    path(
        "upstreams/<str:upstream>/sending/resume/",
        overview.sending_resume,
        name="upstreams-sending-resume",
    ),
    path("upstreams/feeds/<str:name>/run/", overview.feed_run, name="upstreams-feed-run"),
    path("upstreams/alarms/<int:pk>/close/", overview.alarm_close, name="upstreams-alarm-close"),
    path("upstreams/outbox/", outbox.outbox, name="upstreams-outbox"),
    path("upstreams/webhooks/", webhooks.webhooks, name="upstreams-webhooks"),
    path("upstreams/webhooks/endpoints/", webhooks.endpoints, name="upstreams-endpoints"),
    path("upstreams/webhooks/<int:pk>/", webhooks.webhook, name="upstreams-webhook"),
    path(
        "upstreams/webhooks/<int:pk>/replay/",
        webhooks.webhook_replay,
        name="upstreams-webhook-replay",
    ),
    path("upstreams/refused/", refused.refused, name="upstreams-refused"),
    path("api/", include("dashboard.api.urls")),
    path("accounts/", include("staff.urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("admin/", admin.site.urls),
]
