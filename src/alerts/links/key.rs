//! The key that signs links: one row, made when it is first needed.

use sqlx::PgConnection;

use crate::platform::App;

/// The name of its row.
const NAME: &str = "links";

/// The key, which all processes share.
pub(super) async fn read(app: &App, db: &mut PgConnection) -> sqlx::Result<Vec<u8>> {
    let find = || sqlx::query_scalar!("select key from server_keys where name = $1", NAME);
    if let Some(key) = find().fetch_optional(&mut *db).await? {
        return Ok(key);
    }
    let new = app.ids.bytes::<32>();
    let add = sqlx::query!("insert into server_keys (name, key) values ($1, $2) on conflict (name) do nothing", NAME, new.as_slice());
    add.execute(&mut *db).await?;
    find().fetch_one(db).await
}
