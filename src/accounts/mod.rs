//! # Accounts: who may see what
//! **Promise.** Every route but the public ones is reached only with a session, and every project's pages only by its members and by
//! administrators; a stranger cannot tell whether a thing exists. **How.** Routes are data ([`Route`]) with an [`Access`] each; [`guard`] finds
//! the [`Viewer`] by the session cookie and the [`ProjectMember`] by the path, and handlers only ask for what it has found.
//! **When it breaks.** Without the database nobody is signed in: pages fail with an incident, nothing is shown.
//! **Not here.** SDK credentials (`ingest`, `projects`); what a project is.

mod access;
mod ids;
mod sessions;

pub use access::{Access, ProjectMember, Route, Viewer, VisibleProject, get, guard, post, router};
pub use ids::{ProjectId, SessionId, UserId};
