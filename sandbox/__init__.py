"""A stand-in for the upstreams, over HTTP, for local runs and tests.

Shared pieces live here (`server`, `clock`, `store`, `faults`, `delivery`, `mailing`, `plans`,
`traffic`); each upstream has a folder of its own (`luxcore`, `lux`, `lumetrade`). Start it with
``python -m sandbox``, or put ``sandbox.app.create_app(Config())`` behind any WSGI transport.
"""
