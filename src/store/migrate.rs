//! The schema, embedded in the binary.

use super::conn::Conn;
use super::error::StoreError;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const SQLITE_TRIGGERS: EmbeddedMigrations = embed_migrations!("migrations/sqlite-triggers");
#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
#[cfg(feature = "postgres")]
const POSTGRES_TRIGGERS: EmbeddedMigrations = embed_migrations!("migrations/postgres-triggers");

/// Brings the schema up to date; `triggers` adds the append-only triggers (leave them out only on engines without triggers).
/// Returns the names of the migrations that were run.
pub fn run(conn: &mut Conn, triggers: bool) -> Result<Vec<String>, StoreError> {
    let mut done = Vec::new();
    match conn {
        Conn::Sqlite(c) => {
            done.extend(pending(c.run_pending_migrations(SQLITE))?);
            if triggers {
                done.extend(pending(c.run_pending_migrations(SQLITE_TRIGGERS))?);
            }
        }
        #[cfg(feature = "postgres")]
        Conn::Postgres(c) => {
            done.extend(pending(c.run_pending_migrations(POSTGRES))?);
            if triggers {
                done.extend(pending(c.run_pending_migrations(POSTGRES_TRIGGERS))?);
            }
        }
    }
    Ok(done)
}

/// True when every migration has been run.
pub fn is_current(conn: &mut Conn) -> Result<bool, StoreError> {
    let waiting = match conn {
        Conn::Sqlite(c) => c.has_pending_migration(SQLITE),
        #[cfg(feature = "postgres")]
        Conn::Postgres(c) => c.has_pending_migration(POSTGRES),
    };
    waiting.map(|waiting| !waiting).map_err(|error| StoreError::Database(error.to_string()))
}

type Outcome<'a> = diesel::migration::Result<Vec<diesel::migration::MigrationVersion<'a>>>;

fn pending(outcome: Outcome<'_>) -> Result<Vec<String>, StoreError> {
    let versions = outcome.map_err(|error| StoreError::Database(format!("migration failed: {error}")))?;
    Ok(versions.iter().map(ToString::to_string).collect())
}
