//! The pages of projects, one file each.

mod create;
mod filters;
pub(super) mod grouping_rules;
mod grouping_version;
mod key;
mod limit_form;
mod limits;
mod list;
pub(super) mod noise;
mod requests;
mod rules_in_force;
mod scrubbing;
mod settings;
mod show;
mod stats;
mod text;

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
        post("/projects/{slug}/settings/mails", Access::Admin, settings::change_mails),
        post("/projects/{slug}/settings/source", Access::Admin, settings::change_source),
        get("/projects/{slug}/settings/scrubbing", Access::Member, scrubbing::show),
        post("/projects/{slug}/settings/scrubbing", Access::Admin, scrubbing::change),
        get("/projects/{slug}/settings/filters", Access::Member, filters::show),
        post("/projects/{slug}/settings/filters", Access::Admin, filters::change),
        get("/projects/{slug}/settings/grouping", Access::Member, grouping_rules::show),
        post("/projects/{slug}/settings/grouping", Access::Admin, grouping_rules::change),
        get("/projects/{slug}/settings/grouping/rules", Access::Member, rules_in_force::show),
        post("/projects/{slug}/noise/{place}/apply", Access::Admin, noise::apply),
        post("/projects/{slug}/noise/{place}/dismiss", Access::Member, noise::dismiss),
        get("/projects/{slug}/settings/limits", Access::Member, limits::show),
        post("/projects/{slug}/settings/limits", Access::Admin, limits::change),
        get("/projects/{slug}/stats", Access::Member, stats::show),
        get("/projects/{slug}/requests", Access::Member, requests::show),
        get("/requests", Access::Admin, requests::nobodys),
        post("/projects/{slug}/members", Access::Admin, settings::add_member),
        post("/projects/{slug}/members/{user}/remove", Access::Admin, settings::remove_member),
        post("/projects/{slug}/keys", Access::Admin, key::add),
        get("/projects/{slug}/keys/{key}", Access::Member, key::show),
        post("/projects/{slug}/keys/{key}", Access::Admin, key::change),
        post("/projects/{slug}/keys/{key}/rotate", Access::Admin, key::rotate),
        post("/projects/{slug}/keys/{key}/switch", Access::Admin, key::switch),
    ]
}
