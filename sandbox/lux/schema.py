"""The tables of Lux Financial. Moments are milliseconds since 1970 UTC, `facts` is JSON."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS lf_customer (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    email_key TEXT NOT NULL,
    status TEXT NOT NULL,
    kyc_status TEXT NOT NULL,
    facts TEXT NOT NULL,
    source TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    due_at INTEGER,
    plan TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS lf_customer_email ON lf_customer (email_key);
CREATE INDEX IF NOT EXISTS lf_customer_kyc ON lf_customer (kyc_status, serial);
CREATE INDEX IF NOT EXISTS lf_customer_due ON lf_customer (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS lf_submission (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    customer_id TEXT NOT NULL REFERENCES lf_customer (id),
    document_type TEXT NOT NULL,
    pictures TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS lf_picture (
    submission_id TEXT NOT NULL REFERENCES lf_submission (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (submission_id, name)
);
CREATE TABLE IF NOT EXISTS lf_wallet (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    customer_id TEXT NOT NULL REFERENCES lf_customer (id),
    type TEXT NOT NULL,
    facts TEXT NOT NULL,
    coins TEXT NOT NULL DEFAULT '[]',
    created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS lf_wallet_customer ON lf_wallet (customer_id, serial);
CREATE TABLE IF NOT EXISTS lf_external (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    customer_id TEXT NOT NULL REFERENCES lf_customer (id),
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    country TEXT,
    facts TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS lf_external_customer ON lf_external (customer_id, serial);
CREATE TABLE IF NOT EXISTS lf_account (
    id TEXT PRIMARY KEY,
    currency TEXT NOT NULL,
    balance TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS lf_transfer (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    customer_id TEXT,
    state TEXT NOT NULL,
    is_short INTEGER NOT NULL,
    facts TEXT NOT NULL,
    source TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    due_at INTEGER,
    plan TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS lf_transfer_customer ON lf_transfer (customer_id, serial);
CREATE INDEX IF NOT EXISTS lf_transfer_due ON lf_transfer (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS lf_screening (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    facts TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS lf_listed (
    name TEXT PRIMARY KEY,
    facts TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS lf_answer (
    scope TEXT PRIMARY KEY,
    asked TEXT NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS lf_webhook (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 1,
    secret TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS lf_event (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS lf_delivery (
    serial INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL REFERENCES lf_event (id),
    name TEXT NOT NULL,
    subject TEXT NOT NULL,
    webhook_id TEXT REFERENCES lf_webhook (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    response_code INTEGER,
    error TEXT,
    tricks TEXT NOT NULL DEFAULT '{}',
    held INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    last_attempt_at INTEGER,
    next_at INTEGER
);
CREATE INDEX IF NOT EXISTS lf_delivery_due ON lf_delivery (next_at) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS lf_delivery_held ON lf_delivery (subject) WHERE held = 1;
"""

TABLES = (
    "lf_delivery",
    "lf_event",
    "lf_webhook",
    "lf_answer",
    "lf_listed",
    "lf_screening",
    "lf_transfer",
    "lf_account",
    "lf_external",
    "lf_wallet",
    "lf_picture",
    "lf_submission",
    "lf_customer",
)
"""Children before parents, for emptying them all."""
