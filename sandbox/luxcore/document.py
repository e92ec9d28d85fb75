"""The machine-readable index of the API, and a page that lists the same."""

import re
from html import escape

from werkzeug.wrappers import Request, Response

from sandbox.luxcore.routes import ROUTES, V1
from sandbox.luxcore.work import Work
from sandbox.web import Json, html_page, json_response


def openapi(work: Work, request: Request) -> Response:
    """Paths, methods and scopes; the bodies are described by the guides only."""
    paths: dict[str, Json] = {}
    for route in ROUTES:
        path = re.sub("<([^>]+)>", r"{\1}", V1 + route.path)
        names = re.findall("<([^>]+)>", route.path)
        paths.setdefault(path, {})[route.method.lower()] = {
            "summary": (route.view.__doc__ or route.path).strip().split("\n")[0],
            "security": [{"ApiKey": [route.scope]}],
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in names
            ],
            "responses": {"default": {"description": "See the guides"}},
        }
    schemes = {"ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
    body = {
        "openapi": "3.0.3",
        "info": {"title": "LuxCore API (sandbox)", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }
    return json_response(200, body)


def page(work: Work, request: Request) -> Response:
    rows = "".join(
        f"<tr><td>{route.method}</td><td>{escape(V1 + route.path)}</td>"
        f"<td>{escape(route.scope)}</td></tr>"
        for route in sorted(ROUTES, key=lambda route: route.path)
    )
    head = "<tr><th>Method</th><th>Path</th><th>Scope</th></tr>"
    return html_page("LuxCore API", f"<h1>LuxCore API</h1><table>{head}{rows}</table>")
