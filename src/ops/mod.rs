//! # Ops: is it well?
//! **Promise.** `/healthz` answers 200 for as long as events can be taken, with what is wrong beside it; 503 when they cannot. Administrators
//! see every dead letter of this process with its reason, and put it back into the queue or delete it.
//! **How.** Asks the journal whether it has room, and the database for a row. A database that is away is no reason to restart this server or to
//! send its SDKs elsewhere: events wait in the journal. **When it breaks.** Dead letters lie in the journal of the process that buried them:
//! each process shows its own. Before the tables are made pages
//! say so with a 503. **Not here.** Metrics; what buries (`digest`).

mod database;
mod dead_letters;
mod health;

pub use database::until_set_up;
pub use health::health_routes;

use crate::accounts::{Access, Route, get, post};

/// The pages of administrators.
pub fn routes() -> Vec<Route> {
    vec![
        get("/admin/dead-letters", Access::Admin, dead_letters::list),
        post("/admin/dead-letters/retry", Access::Admin, dead_letters::retry_all),
        post("/admin/dead-letters/{letter}/retry", Access::Admin, dead_letters::retry),
        post("/admin/dead-letters/{letter}/delete", Access::Admin, dead_letters::delete),
    ]
}
