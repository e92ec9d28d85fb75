"""Everything under `/api/`."""

from django.urls import include, path, re_path

from dashboard.api import views

app_name = "api"
urlpatterns = [
    path("v1/", include("payments.api.urls")),
    path("schema/", views.Schema.as_view(), name="schema"),
    path("docs/", views.docs, name="docs"),
    # No slash is added for anybody here: a POST that is sent on would arrive without its body.
    re_path("", views.Nothing.as_view(), name="nothing"),
]
