"""The desk's settings with values that no test can hurt anybody with.

`DATABASE_URL` and `REDIS_URL` come from the environment (`make test-services`); without them tests
run on SQLite, and tests that need Redis start one of their own. `.env` is never heard, neither
here nor by a process that a test starts: with `LIGHTDESK_TESTS` set, the desk does not read it.
Every upstream is unset, whatever the environment says.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import structlog

# One folder for a whole run: whoever comes first makes it and removes it, processes of pytest-xdist
# have rooms of their own in it, and children that a test starts (and may kill) share their test's.
if "LIGHTDESK_TESTS" not in os.environ:
    os.environ["LIGHTDESK_TESTS"] = tempfile.mkdtemp(prefix="lightdesk-tests-")
    atexit.register(shutil.rmtree, os.environ["LIGHTDESK_TESTS"], ignore_errors=True)
_var = Path(os.environ["LIGHTDESK_TESTS"], os.environ.get("PYTEST_XDIST_WORKER", "main"))
_var.mkdir(exist_ok=True)

os.environ.setdefault("DATABASE_URL", f"sqlite:///{_var / 'lightdesk.sqlite3'}")
# Without asking for it (fixture `redis_url`) no test meets a Redis: budgets it keeps would outlive
# the test that spent them. Nobody listens on port 1.
SERVICES_REDIS_URL = os.environ.setdefault(
    "LIGHTDESK_SERVICES_REDIS", os.environ.get("REDIS_URL", "")
)  # kept for the processes of the suite, which inherit what is set here
os.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"
os.environ.update(
    {
        "VAR_DIR": str(_var),
        "DEBUG": "0",
        "ENVIRONMENT": "test",
        "SECRET_KEY": "only-for-tests",
        "SECURE_SITE": "0",
        "BEHIND_TLS_PROXY": "0",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1],testserver",
        "CSRF_TRUSTED_ORIGINS": "",
        "CONN_MAX_AGE": "0",
        "ALARM_EMAILS": "",
        "UNDO_SECONDS": "5",
        "API_CALLS_PER_MINUTE": "300",
        "ALLOW_SQLITE_WITH_LIVE_KEYS": "0",
        "PAYOUTS_NEED_KYC": "0",
        "RELAX_MAKER_AND_APPROVER": "0",
        "LUXCORE_BASE_URL": "https://api.lux-core.io/api/v1",
        "LUXCORE_API_KEY": "",
        "LUXCORE_WEBHOOK_SECRETS": "",
        "LUXCORE_MERCHANT_ID": "",
        "LUXCORE_HMAC_SECRET": "",
        "LUMETRADE_BASE_URL": "https://api.lumetrade.com",
        "LUMETRADE_API_KEY": "",
        "LUMETRADE_API_SECRET": "",
        "LUX_BASE_URL": "https://api.lux.financial/v0",
        "LUX_API_KEY": "",
        "LUX_READ_KYC_DOCUMENTS": "0",
        "LUX_WEBHOOK_SECRETS": "",
        # Opens nothing but what a test has sealed.
        "DOCUMENT_KEYS": "test:dGVzdC1rZXktb2YtbGlnaHRkZXNrLWRvY3VtZW50cyE=",
    }
)

from dashboard.settings import *  # noqa: E402, F403
from dashboard.settings import DATABASES, VAR_DIR  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, so that threads and child processes of a test see one database. Nobody needs it to
    # survive a power cut.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True

# Ringing costs nothing and nobody answers; tests about Redis name a real one (fixture `redis_url`).
CELERY_BROKER_URL = "memory://"
CELERY_TASK_ALWAYS_EAGER = False

# Loggers made at import time stay open to `structlog.testing.capture_logs`.
structlog.configure(cache_logger_on_first_use=False)

# pytest-django's guard against unset template variables is not the string Django expects.
SILENCED_SYSTEM_CHECKS = ["templates.E002"]
