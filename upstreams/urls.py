from django.urls import path

from upstreams import views

urlpatterns = [
    path("webhooks/luxcore/", views.receive_luxcore, name="luxcore-webhook"),
    # Without the slash too: a redirect would lose the event.
    path("webhooks/luxcore", views.receive_luxcore),
]
