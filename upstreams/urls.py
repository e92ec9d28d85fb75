from django.urls import path

from upstreams import views

urlpatterns = [
    path("webhooks/luxcore/", views.receive_luxcore, name="luxcore-webhook"),
    path("webhooks/lux/", views.receive_lux, name="lux-webhook"),
    # Without the slash too: a redirect would lose the event.
    path("webhooks/luxcore", views.receive_luxcore),
    path("webhooks/lux", views.receive_lux),
]
