"""The gallery on a port of its own, for a browser to look at. It needs no database."""

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def running_gallery() -> Iterator[str]:
    """Serve the gallery and the static files until the block ends; yields the address."""
    first, *others = settings.TEMPLATES
    folders = [*first["DIRS"], settings.BASE_DIR / "tests" / "dashboard"]
    templates = [first | {"DIRS": folders}, *others]
    with (
        override_settings(ROOT_URLCONF="tests.dashboard.gallery.urls", TEMPLATES=templates),
        make_server(
            "127.0.0.1", 0, StaticFilesHandler(WSGIHandler()), _Server, handler_class=_Silent
        ) as server,
    ):
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
