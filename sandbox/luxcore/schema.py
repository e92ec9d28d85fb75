"""The tables of LuxCore. Moments are milliseconds since 1970 UTC, money is minor units."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS customer (
    id INTEGER PRIMARY KEY,
    env TEXT NOT NULL,
    name TEXT, email TEXT, phone TEXT, external_id TEXT,
    email_key TEXT, phone_key TEXT
);
CREATE INDEX IF NOT EXISTS customer_email ON customer (env, email_key);
CREATE INDEX IF NOT EXISTS customer_phone ON customer (env, phone_key);
CREATE UNIQUE INDEX IF NOT EXISTS customer_external ON customer (env, external_id)
    WHERE external_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS payment (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    env TEXT NOT NULL,
    type TEXT NOT NULL,
    method TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    fee INTEGER NOT NULL CHECK (fee >= 0),
    refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    status TEXT NOT NULL,
    status_version INTEGER NOT NULL DEFAULT 1,
    merchant_reference TEXT NOT NULL,
    description TEXT,
    customer_id INTEGER REFERENCES customer (id),
    details TEXT NOT NULL DEFAULT '{}',
    payout TEXT,
    extras TEXT NOT NULL DEFAULT '{}',
    page_token TEXT UNIQUE,
    webhook_url TEXT,
    webhook_events TEXT NOT NULL DEFAULT '[]',
    error_code TEXT, error_message TEXT,
    source TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    expires_at INTEGER,
    due_at INTEGER,
    plan TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS payment_created ON payment (env, created_at, serial);
CREATE INDEX IF NOT EXISTS payment_status ON payment (env, status, created_at, serial);
CREATE INDEX IF NOT EXISTS payment_reference ON payment (env, merchant_reference);
CREATE UNIQUE INDEX IF NOT EXISTS payment_reference_once ON payment (env, merchant_reference)
    WHERE status NOT IN ('failed', 'expired', 'cancelled');
CREATE INDEX IF NOT EXISTS payment_due ON payment (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS balance (
    env TEXT NOT NULL,
    currency TEXT NOT NULL,
    available INTEGER NOT NULL DEFAULT 0,
    frozen INTEGER NOT NULL DEFAULT 0,
    deposited INTEGER NOT NULL DEFAULT 0,
    withdrawn INTEGER NOT NULL DEFAULT 0,
    commission INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (env, currency)
);

CREATE TABLE IF NOT EXISTS webhook (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    env TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 1,
    secret TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS event (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS delivery (
    serial INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL REFERENCES event (id),
    name TEXT NOT NULL,
    subject TEXT NOT NULL,
    webhook_id TEXT REFERENCES webhook (id) ON DELETE CASCADE,
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
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (next_at) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS delivery_log ON delivery (webhook_id, serial);
CREATE INDEX IF NOT EXISTS delivery_held ON delivery (subject) WHERE held = 1;

CREATE TABLE IF NOT EXISTS ticket (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    env TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT, category TEXT, sub_category TEXT,
    payment_id TEXT, transaction_id TEXT, reference TEXT,
    requires_refund INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'open',
    source TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    closed_at INTEGER,
    support_due_at INTEGER
);
CREATE INDEX IF NOT EXISTS ticket_created ON ticket (env, created_at, serial);
CREATE INDEX IF NOT EXISTS ticket_support ON ticket (support_due_at)
    WHERE support_due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS comment (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    author_type TEXT NOT NULL,
    author_name TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS comment_ticket ON comment (ticket_id, serial);
CREATE TABLE IF NOT EXISTS attachment (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    comment_id TEXT,
    file_name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    file_size INTEGER NOT NULL,
    content BLOB,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS attachment_ticket ON attachment (ticket_id, serial);
"""

TABLES = (
    "attachment",
    "comment",
    "ticket",
    "delivery",
    "event",
    "webhook",
    "payment",
    "customer",
    "balance",
)
"""Children before parents, for emptying them all."""
