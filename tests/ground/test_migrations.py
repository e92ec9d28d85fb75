"""What a migration may do: the version before it goes on running meanwhile (proof B-12)."""

from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader

OURS = {app.label for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR}
MIGRATIONS = [
    migration
    for (label, _), migration in sorted(MigrationLoader(None).disk_migrations.items())
    if label in OURS
]
# The version before still asks for what these take away: stop using it in one release, take it
# away in the next, and name the migration here with that release.
TAKE_AWAY = (
    operations.RemoveField,
    operations.RenameField,
    operations.RenameModel,
    operations.DeleteModel,
    operations.AlterModelTable,
)
TAKEN_AWAY_IN_TURN: set[str] = set()


@pytest.mark.parametrize("migration", MIGRATIONS, ids=str)
class TestMigration:
    def test_can_be_undone(self, migration: Migration) -> None:
        stuck = [operation for operation in migration.operations if not operation.reversible]

        assert stuck == []

    def test_takes_nothing_from_the_version_before(self, migration: Migration) -> None:
        taken = [step for step in migration.operations if isinstance(step, TAKE_AWAY)]

        assert taken == [] or str(migration) in TAKEN_AWAY_IN_TURN

    def test_is_applied_whole_or_not_at_all(self, migration: Migration) -> None:
        apart = [
            step for step in migration.operations if not getattr(step, "atomic", True)
        ]  # CREATE INDEX CONCURRENTLY

        assert migration.atomic or apart
