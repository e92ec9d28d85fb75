"""Every setting of the desk. The environment is read here and nowhere else.

Names and defaults stand in the README's configuration table.
"""

import logging
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import django_stubs_ext
import environ
import structlog
from csp.constants import NONCE, SELF
from django.core.exceptions import ImproperlyConfigured

from dashboard.logging import hide_secrets

django_stubs_ext.monkeypatch()  # ModelForm[User] and its like say something at run time too

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if not env.str("LIGHTDESK_TESTS", default=""):  # what the suite and its processes share
    env.read_env(BASE_DIR / ".env")

# Everything this machine keeps for the desk: SQLite, the audit trail's head, beat's clock.
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

# --- Who and where -------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
ENVIRONMENT = env.str("ENVIRONMENT", default="sandbox" if DEBUG else "production")
SECRET_KEY = env.str("SECRET_KEY", default="only-for-a-desk-on-your-own-machine" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is empty: set it in the environment or in .env")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "dashboard.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "dashboard",
    "payments",
    "customers",
    "upstreams",
    "staff",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "django_structlog",
    "template_partials",
    "lucide",
    "rest_framework",
    "drf_spectacular",
    "staff.apps.SettingsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.middleware.NoStoreMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "staff.middleware.SessionLimitsMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.middleware.RequestLogMiddleware",
    "dashboard.middleware.PersonMiddleware",
    "dashboard.middleware.NotFoundMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.frame",
            ],
            "builtins": ["dashboard.templatetags.desk"],
        },
    },
]

# --- State: one database, Redis only as doorbell and budget ---------------------------------------

DATABASES = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'lightdesk.sqlite3'}")
}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)  # seconds
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # IMMEDIATE takes the write lock at BEGIN: two writers queue instead of failing (proof m9).
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        # Nobody waits longer for a lock, or holds one while asleep (proof B-8).
        "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
    } | DATABASES["default"].get("OPTIONS", {})

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
# Sessions, lockouts and used codes live in the database: losing Redis logs nobody out.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_entries",
        # A full cache drops entries, and counted sign-ins with them: leave room for every guess.
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    }
}

# --- Signing in -----------------------------------------------------------------------------------

AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = ["staff.backends.RoleBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # people are invited by an admin, nobody signs up
ACCOUNT_ADAPTER = "staff.adapters.InvitedOnlyAdapter"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key", "login": "30/m/ip"}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
SESSION_COOKIE_AGE = int(timedelta(hours=10).total_seconds())
SESSION_IDLE_AGE = int(timedelta(minutes=15).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "dashboard.views.csrf_failure"
DEFAULT_EXCEPTION_REPORTER = "dashboard.views.errors.PlainReporter"

# --- Transport and page security ------------------------------------------------------------------

SECURE_SITE = env.bool("SECURE_SITE", default=not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SITE
SESSION_COOKIE_NAME = "__Host-sessionid" if SECURE_SITE else "lightdesk-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if SECURE_SITE else "lightdesk-csrftoken"
SECURE_SSL_REDIRECT = SECURE_SITE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SITE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_SITE
# Behind a proxy of ours, its word for the scheme and the caller's address is taken; else nobody's.
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS_PROXY else None
ALLAUTH_TRUSTED_PROXY_COUNT = int(BEHIND_TLS_PROXY)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# --- The API for the company's own systems --------------------------------------------------------

API_CALLS_PER_MINUTE = env.int("API_CALLS_PER_MINUTE", default=300)  # with one token
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["staff.api.callers.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["staff.api.callers.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["staff.api.callers.TokenThrottle"],
    "DEFAULT_THROTTLE_RATES": {"token": f"{API_CALLS_PER_MINUTE}/min"},
    "DEFAULT_PARSER_CLASSES": ["dashboard.api.bodies.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "dashboard.api.bodies.OneFormat",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "dashboard.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "staff.api.handling.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Lightdesk",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Payouts and payments of the desk, for the company's own systems. They request "
    "withdrawals; people sign them: there is no call that signs.",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SORT_OPERATIONS": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "PaymentStatus": "payments.enums.PaymentStatus",
        "Upstream": "upstreams.enums.Upstream",
        "WithdrawalStatus": "payments.enums.Status",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "dashboard.api.schema.close_requests",
        "dashboard.api.schema.add_problems",
    ],
}

# --- Language, time, static files -----------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["dashboard.formats"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    }
}

# --- Upstreams: an upstream without a key is "not configured" -------------------------------------

LUXCORE_BASE_URL = env.str("LUXCORE_BASE_URL", default="https://api.lux-core.io/api/v1").rstrip("/")
LUXCORE_API_KEY = env.str("LUXCORE_API_KEY", default="")
LUXCORE_WEBHOOK_SECRETS = [  # several while one replaces another
    secret.strip() for secret in env.list("LUXCORE_WEBHOOK_SECRETS", default=[])
]
LUXCORE_MERCHANT_ID = env.str("LUXCORE_MERCHANT_ID", default="")
LUXCORE_HMAC_SECRET = env.str("LUXCORE_HMAC_SECRET", default="")
# Assumptions about LuxCore, each one key (upstreams.md §3.17).
LUXCORE_V2_CANONICAL = env.str(
    "LUXCORE_V2_CANONICAL",
    default="v1.{timestamp}.{nonce}.{METHOD}.{path_with_query}.{sha256_body_hex}",
)
LUXCORE_WEBHOOK_SIGNATURE_HEADER = env.str(
    "LUXCORE_WEBHOOK_SIGNATURE_HEADER", default="X-Webhook-Signature"
)
LUXCORE_WEBHOOK_SIGNED_TEXT = env.str("LUXCORE_WEBHOOK_SIGNED_TEXT", default="{body}")
LUXCORE_WEBHOOK_TOLERANCE = env.int("LUXCORE_WEBHOOK_TOLERANCE", default=300)
LUXCORE_CANCELLABLE_STATUSES = env.list("LUXCORE_CANCELLABLE_STATUSES", default=["pending"])
LUXCORE_STANDARD_PER_MINUTE = env.int("LUXCORE_STANDARD_PER_MINUTE", default=100)
LUXCORE_CREATE_PER_MINUTE = env.int("LUXCORE_CREATE_PER_MINUTE", default=5000)
LUXCORE_CREATE_PER_10_SECONDS = env.int("LUXCORE_CREATE_PER_10_SECONDS", default=500)

LUMETRADE_BASE_URL = env.str("LUMETRADE_BASE_URL", default="https://api.lumetrade.com").rstrip("/")
LUMETRADE_API_KEY = env.str("LUMETRADE_API_KEY", default="")
LUMETRADE_API_SECRET = env.str("LUMETRADE_API_SECRET", default="")
# Assumptions about Lumetrade, each one key (upstreams.md §2.13).
LUMETRADE_PATHS = {  # an empty path of the currencies: there is none
    "deposits": "/api/v1/deposits",
    "currencies": "/api/v1/currencies",
    **env.dict("LUMETRADE_PATHS", default={}),
}
LUMETRADE_TERMINAL_STATUSES = env.list(
    "LUMETRADE_TERMINAL_STATUSES", default=["FAILED", "CANCELLED", "REVERSED"]
)
LUMETRADE_SEND_IDEMPOTENCY_KEY = env.bool("LUMETRADE_SEND_IDEMPOTENCY_KEY", default=True)
LUMETRADE_RATE_LIMIT = env.int("LUMETRADE_RATE_LIMIT", default=60)  # calls a minute
LUMETRADE_POLL_OPEN = env.int("LUMETRADE_POLL_OPEN", default=60)  # seconds, as those below
LUMETRADE_POLL_SLOW = env.int("LUMETRADE_POLL_SLOW", default=900)
LUMETRADE_POLL_SLOW_AFTER = env.int("LUMETRADE_POLL_SLOW_AFTER", default=3600)
LUMETRADE_POLL_FULL = env.int("LUMETRADE_POLL_FULL", default=900)
LUMETRADE_QUOTE_TTL = env.int("LUMETRADE_QUOTE_TTL", default=30)
# Up to so much of what is sold, an exchange is confirmed without proving anew who one is; of a
# currency that is not named here, never.
TRADE_WITHOUT_PROOF = {
    currency: Decimal(amount)
    for currency, amount in env.dict(
        "TRADE_WITHOUT_PROOF",
        default={"ZAR": "200000", "USD": "10000", "EUR": "10000", "USDT": "10000"},
    ).items()
}

LUX_BASE_URL = env.str("LUX_BASE_URL", default="https://api.lux.financial/v0").rstrip("/")
LUX_API_KEY = env.str("LUX_API_KEY", default="")
LUX_WEBHOOK_SECRETS = [secret.strip() for secret in env.list("LUX_WEBHOOK_SECRETS", default=[])]
LUX_RATE_LIMIT_RPS = env.int("LUX_RATE_LIMIT_RPS", default=10)  # their sandbox's plan
LUX_RATE_LIMIT_RPD = env.int("LUX_RATE_LIMIT_RPD", default=10_000)
# Assumptions about Lux Financial, each one key (upstreams.md §1.14).
LUX_WEBHOOK_SIGNATURE_HEADER = env.str("LUX_WEBHOOK_SIGNATURE_HEADER", default="X-Lux-Signature")
LUX_WEBHOOK_TOLERANCE = env.int("LUX_WEBHOOK_TOLERANCE", default=300)
LUX_IDEMPOTENCY_TTL = env.int("LUX_IDEMPOTENCY_TTL", default=86_400)  # seconds they know a key
LUX_READ_KYC_DOCUMENTS = env.bool("LUX_READ_KYC_DOCUMENTS", default=False)
LUX_KYC_TRANSITIONS = env.json(
    "LUX_KYC_TRANSITIONS",
    default={
        "not_started": ["pending"],
        "pending": ["incomplete", "under_review", "awaiting_ubo"],
        "incomplete": ["under_review", "rejected"],
        "awaiting_ubo": ["under_review"],
        "under_review": ["approved", "manual_review", "incomplete", "rejected"],
        "manual_review": ["approved", "rejected", "incomplete"],
    },
)
# Whether a KYC decision is sent to Lux Financial by PATCH. Documented nowhere, so off by default:
# a decision is then carried out there by hand, and ours and theirs are shown until they agree.
LUX_PUSH_KYC_DECISION = env.bool("LUX_PUSH_KYC_DECISION", default=False)
LUX_RAIL_ENDORSEMENTS = {  # of rails that carry coins it is always can_trade_stablecoins
    "wire": "can_wire_transfer",
    "ach": "can_ach_transfer",
    "ach_push": "can_ach_transfer",
    "ach_same_day": "can_ach_transfer",
    "sepa": "can_sepa_transfer",
    "swift": "can_swift_transfer",
    **env.dict("LUX_RAIL_ENDORSEMENTS", default={}),
}

SCREENING_EVERY_DAYS = env.int("SCREENING_EVERY_DAYS", default=30)
# How long a KYC case may take, in hours, by risk rating; of one that is not named: the shortest.
KYC_DUE_HOURS = {
    risk: int(hours)
    for risk, hours in env.dict(
        "KYC_DUE_HOURS", default={"high": "24", "medium": "48", "low": "72"}
    ).items()
}
# At which risk ratings a second person confirms an approval. A rating that is neither low, medium
# nor high always takes two, and so does every rejection and whatever was escalated.
KYC_SECOND_PERSON = env.list("KYC_SECOND_PERSON", default=["high"])

# --- Documents of customers -----------------------------------------------------------------------

# `id:base64 of 32 bytes`; new documents are encrypted with the first, the others still open.
DOCUMENT_KEYS = [entry.strip() for entry in env.list("DOCUMENT_KEYS", default=[])]
DOCUMENT_MAX_BYTES = env.int("DOCUMENT_MAX_BYTES", default=10_000_000)
DOCUMENT_MAX_PIXELS = env.int("DOCUMENT_MAX_PIXELS", default=40_000_000)
DOCUMENT_MAX_PAGES = env.int("DOCUMENT_MAX_PAGES", default=20)
DOCUMENTS_PER_CUSTOMER = env.int("DOCUMENTS_PER_CUSTOMER", default=60)
DOCUMENT_RETENTION_DAYS = env.int("DOCUMENT_RETENTION_DAYS", default=1825)

# Where a payment's own webhook may go; empty: to any public host.
PAYMENT_WEBHOOK_HOSTS = env.list("PAYMENT_WEBHOOK_HOSTS", default=[])

EMAIL_TIMEOUT = 5  # seconds; a mail server that hangs must not hold up what raised the alarm
vars().update(env.email("EMAIL_URL", default="consolemail://" if DEBUG else "smtp://localhost:25"))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("EMAIL_FROM", default="lightdesk@localhost")
ALARM_EMAILS = env.list("ALARM_EMAILS", default=[])
UNDO_SECONDS = env.int("UNDO_SECONDS", default=5)
# Where a fault test kills a worker (upstreams/crashpoints.py). Never heard in production.
CRASH_AT = env.str("LIGHTDESK_CRASH_AT", default="") if DEBUG or ENVIRONMENT == "test" else ""
APPROVAL_READ_SECONDS = 2.0
ALLOW_SQLITE_WITH_LIVE_KEYS = env.bool("ALLOW_SQLITE_WITH_LIVE_KEYS", default=False)
# Whether a payout is blocked, not only warned of, while its customer's KYC is not approved.
PAYOUTS_NEED_KYC = env.bool("PAYOUTS_NEED_KYC", default=False)
RELAX_MAKER_AND_APPROVER = env.bool("RELAX_MAKER_AND_APPROVER", default=False)

# --- make run -------------------------------------------------------------------------------------

PORT = env.int("PORT", default=8000)
SANDBOX = env.bool("SANDBOX", default=True)  # False: against LUXCORE_BASE_URL with LUXCORE_API_KEY
SANDBOX_PORT = env.int("SANDBOX_PORT", default=8100)

# --- Celery ---------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True  # proof m1, m4: early acks lose work
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A task cut off by a Redis restart may be half-way through a payment: let it finish.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_PUBLISH_RETRY = False  # proof m7: a click never waits for Redis
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,  # seconds; the sweeps find a dead worker's rows long before
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "upstreams.tasks.deliver_command": {"queue": "interactive"},
    "upstreams.tasks.process_event": {"queue": "webhooks"},
    "upstreams.tasks.run_feed": {"queue": "sync"},
    "payments.tasks.run_reconciliation": {"queue": "sync"},
    "payments.tasks.carry_out_resolution": {"queue": "sync"},
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")

# --- Logging: JSON lines on stderr ----------------------------------------------------------------

DEFAULT_EXCEPTION_REPORTER_FILTER = "dashboard.logging.HideAddressesToo"
DJANGO_STRUCTLOG_CELERY_ENABLED = True  # a request's id follows its work into the tasks
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO  # a mistyped address is nobody's trouble
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # it would believe anybody's X-Forwarded-For

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
_shared_processors: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
                hide_secrets,
            ],
            "foreign_pre_chain": _shared_processors,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # Django's own handlers would print twice, and mail tracebacks with their local variables.
        "django": {"handlers": [], "level": "INFO"},
        # Every request is told of by django_structlog, with its code and its traceback.
        "django.request": {"level": "ERROR"},
        # httpx logs whole addresses and the providers' key headers: our own line replaces it.
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        # Each task is told of by django_structlog, with its request's id.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_shared_processors,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
