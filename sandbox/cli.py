"""The command line: every option can also come from the environment as SANDBOX_<NAME>."""

import argparse
import logging
import os
import sqlite3
import sys
from collections.abc import Mapping, Sequence

from sandbox.app import create_app
from sandbox.config import ApiKey, Config, LumetradeConfig, LuxConfig, LuxCoreConfig
from sandbox.luxcore.config import SCOPE_ALIASES, SCOPES
from sandbox.server import run


def api_key(text: str) -> ApiKey:
    """``KEY`` for every scope, or ``KEY=scope,scope``."""
    key, _, listed = text.partition("=")
    scopes = frozenset(filter(None, listed.split(","))) or SCOPES
    unknown = scopes - SCOPES - SCOPE_ALIASES.keys()
    if not key or unknown:
        raise argparse.ArgumentTypeError(f"unknown scopes: {', '.join(sorted(unknown))}")
    return ApiKey(key, scopes)


def parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A stand-in for LuxCore (/api/v1), Lux Financial (/lux/v0) and Lumetrade "
        "(/lumetrade/api/v1) over HTTP. "
        "Control door: /_control/ (loopback only).",
        epilog="Each option may be set as SANDBOX_<OPTION>, e.g. SANDBOX_WEBHOOK_URL.",
    )

    def option(name: str, default: object, text: str, kind: type = str) -> None:
        variable = "SANDBOX_" + name.upper().replace("-", "_")
        made.add_argument(f"--{name}", default=environ.get(variable, default), type=kind, help=text)

    option("host", "127.0.0.1", "address to bind")
    option("port", 8100, "port; 0 picks a free one", int)
    option("state", "var/sandbox.sqlite3", "SQLite file, or :memory:")
    option("seed", 1, "number for repeatable history and traffic; -1 for no history", int)
    option("pace", 6, "payments a minute that come by themselves", float)
    option("public-url", "", "how others reach this server")
    option("webhook-url", "", "register this webhook at start")
    option("webhook-secret", "", "the secret of that webhook")
    option("hmac-secret", "", "payment HMAC secret; sets the merchant up for v2")
    option("merchant-id", 77, "numeric merchant id", int)
    option("approval-delay", 3, "seconds until a desk's withdrawal is approved", float)
    option("processing-delay", 4, "seconds the bank takes", float)
    option("traffic-approval-delay", 600, "seconds until traffic's own withdrawals are", float)
    option("payer-delay", 30, "seconds until a desk's deposit is paid; -1 for never", float)
    option("rate-standard", 100, "calls per window and key, but for creating payments", int)
    option("rate-window", 60, "seconds of that window", float)
    option("webhook-retry-scale", 1, "stretches or shrinks the retry schedule", float)
    option("lux-key", LuxConfig.api_keys[0], "Lux Financial's API key")
    option("lux-webhook-url", "", "register this webhook there at start")
    option("lux-webhook-secret", "", "the secret of that webhook")
    option("lux-stage-delay", 4, "seconds a desk's transfer stays in each state", float)
    option("lux-rate", 10, "calls a second; a thousand times as many a day", int)
    option("lumetrade-key", LumetradeConfig.api_key, "Lumetrade's API key")
    option("lumetrade-secret", LumetradeConfig.api_secret, "and its secret")
    option("lumetrade-stage-delay", 6, "seconds a desk's withdrawal stays in each stage", float)
    option("lumetrade-rate", 60, "calls a minute", int)
    option("lumetrade-strays", 0.05, "share of withdrawals that fail, are held or come back", float)
    keys = [api_key(text) for text in environ.get("SANDBOX_API_KEY", "").split()]
    made.add_argument(
        "--api-key",
        action="append",
        type=api_key,
        default=keys,
        help="KEY, or KEY=scope,scope; may be repeated",
    )
    made.add_argument(
        "--deliver-outside",
        action="store_true",
        default=bool(environ.get("SANDBOX_DELIVER_OUTSIDE")),
        help="post webhooks to other machines too",
    )
    return made


def read(arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[Config, int]:
    """The settings and the port; exits with a message on a bad option."""
    reader = parser(environ)
    given = reader.parse_args(arguments)
    if bool(given.webhook_url) != bool(given.webhook_secret):
        reader.error("--webhook-url and --webhook-secret belong together")
    if bool(given.lux_webhook_url) != bool(given.lux_webhook_secret):
        reader.error("--lux-webhook-url and --lux-webhook-secret belong together")
    luxcore = LuxCoreConfig(
        merchant_id=given.merchant_id,
        api_keys=tuple(given.api_key) or LuxCoreConfig().api_keys,
        hmac_secret=given.hmac_secret,
        webhook_url=given.webhook_url,
        webhook_secret=given.webhook_secret,
        approval_delay=given.approval_delay,
        processing_delay=given.processing_delay,
        traffic_approval_delay=given.traffic_approval_delay,
        payer_delay=None if given.payer_delay < 0 else given.payer_delay,
        rate_standard=given.rate_standard,
        rate_window=given.rate_window,
        webhook_retry_scale=given.webhook_retry_scale,
    )
    lux = LuxConfig(
        api_keys=(given.lux_key,),
        webhook_url=given.lux_webhook_url,
        webhook_secret=given.lux_webhook_secret,
        webhook_retry_scale=given.webhook_retry_scale,
        stage_delay=given.lux_stage_delay,
        rate_second=given.lux_rate,
        rate_day=1000 * given.lux_rate,
    )
    lumetrade = LumetradeConfig(
        api_key=given.lumetrade_key,
        api_secret=given.lumetrade_secret,
        stage_delay=given.lumetrade_stage_delay,
        rate_limit=given.lumetrade_rate,
        failure_share=given.lumetrade_strays,
        review_share=given.lumetrade_strays,
        reversal_share=given.lumetrade_strays,
    )
    config = Config(
        host=given.host,
        state=given.state,
        seed=None if given.seed < 0 else given.seed,
        pace=given.pace,
        public_url=given.public_url.rstrip("/"),
        deliver_outside=given.deliver_outside,
        luxcore=luxcore,
        lux=lux,
        lumetrade=lumetrade,
    )
    return config, given.port


def main(arguments: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    config, port = read(arguments or [], os.environ)
    try:
        sandbox = create_app(config)
    except (sqlite3.Error, OSError) as exc:
        print(f"cannot use {config.state}: {exc}", file=sys.stderr)
        return 1
    return run(sandbox, host=config.host, port=port)
