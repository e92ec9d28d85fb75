"""The tables of Lumetrade. Moments are milliseconds since 1970 UTC, money is 10⁻⁸ of a unit."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS lt_account (
    id TEXT PRIMARY KEY,
    currency TEXT NOT NULL UNIQUE,
    available INTEGER NOT NULL DEFAULT 0,
    locked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS lt_wallet (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    currency TEXT NOT NULL,
    network TEXT,
    method TEXT,
    details TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS lt_beneficiary (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    currency TEXT NOT NULL,
    nickname TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS lt_movement (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    beneficiary_id TEXT,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    fee INTEGER NOT NULL CHECK (fee >= 0),
    status TEXT NOT NULL,
    details TEXT NOT NULL DEFAULT '{}',
    source TEXT NOT NULL,
    idempotency_key TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    due_at INTEGER,
    plan TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS lt_movement_created ON lt_movement (kind, created_at, serial);
CREATE INDEX IF NOT EXISTS lt_movement_due ON lt_movement (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS lt_trade (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    from_currency TEXT NOT NULL,
    to_currency TEXT NOT NULL,
    from_amount INTEGER NOT NULL,
    to_amount INTEGER NOT NULL,
    rate TEXT NOT NULL,
    rfq INTEGER NOT NULL,
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    due_at INTEGER,
    plan TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS lt_trade_created ON lt_trade (created_at, serial);
CREATE INDEX IF NOT EXISTS lt_trade_due ON lt_trade (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS lt_fill (
    serial INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    trade_id TEXT NOT NULL REFERENCES lt_trade (id),
    from_amount INTEGER NOT NULL,
    to_amount INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS lt_fill_trade ON lt_fill (trade_id, serial);
CREATE TABLE IF NOT EXISTS lt_quote (
    reference TEXT PRIMARY KEY,
    from_currency TEXT NOT NULL,
    to_currency TEXT NOT NULL,
    from_amount INTEGER NOT NULL,
    to_amount INTEGER NOT NULL,
    rate TEXT NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL
);
"""

TABLES = (
    "lt_quote",
    "lt_fill",
    "lt_trade",
    "lt_movement",
    "lt_beneficiary",
    "lt_wallet",
    "lt_account",
)
"""Children before parents, for emptying them all."""
