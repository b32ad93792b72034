//! The pages of projects, one file each.

mod create;
mod list;
mod settings;
mod show;

use crate::accounts::{Access, Route, get, post};

/// Their addresses.
pub fn routes() -> Vec<Route> {
    vec![
        get("/projects", Access::SignedIn, list::list),
        get("/projects/new", Access::Admin, create::form),
        post("/projects", Access::Admin, create::submit),
        get("/projects/{slug}", Access::Member, show::show),
        get("/projects/{slug}/waiting.json", Access::Member, show::waiting),
        get("/projects/{slug}/settings", Access::Member, settings::show),
        post("/projects/{slug}/settings", Access::Admin, settings::rename),
        post("/projects/{slug}/members", Access::Admin, settings::add_member),
        post("/projects/{slug}/members/{user}/remove", Access::Admin, settings::remove_member),
        post("/projects/{slug}/keys", Access::Admin, settings::add_key),
        post("/projects/{slug}/keys/{key}/toggle", Access::Admin, settings::toggle_key),
    ]
}
