//! Paths of the ingest endpoints: with and without a slash at the end, with slashes doubled on the way.
//!
//! Not here: methods and what the endpoints do.

use crate::protocol::{DsnId, Refusal};

/// An endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// `/api/{project}/envelope/`.
    Envelope(DsnId),
    /// `/api/{project}/store/`; without a project the key tells it.
    Store(Option<DsnId>),
}

impl Route {
    /// The endpoint of a path.
    pub(super) fn parse(path: &str) -> Result<Self, Refusal> {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        if segments.next() != Some("api") {
            return Err(Refusal::NotFound);
        }
        let segments: Vec<_> = segments.take(8).collect();
        match segments[..] {
            ["store"] => Ok(Self::Store(None)),
            [project, "envelope"] => Ok(Self::Envelope(number(project)?)),
            [project, "store"] => Ok(Self::Store(Some(number(project)?))),
            _ => Err(Refusal::NotFound),
        }
    }

    /// The value of `Allow`.
    pub(super) const fn methods(self) -> &'static str {
        match self {
            Self::Envelope(_) => "POST, OPTIONS",
            Self::Store(_) => "GET, POST, OPTIONS",
        }
    }
}

fn number(project: &str) -> Result<DsnId, Refusal> {
    project.parse().map_err(|_| Refusal::BadProject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_endpoints() {
        let id = DsnId::new(42).unwrap();
        for (path, route) in [
            ("/api/42/envelope/", Ok(Route::Envelope(id))),
            ("/api/42/envelope", Ok(Route::Envelope(id))),
            ("/api//42//envelope//", Ok(Route::Envelope(id))),
            ("/api/42/store/", Ok(Route::Store(Some(id)))),
            ("/api/store", Ok(Route::Store(None))),
            ("/api/store/", Ok(Route::Store(None))),
            ("/api/abc/envelope/", Err(Refusal::BadProject)),
            ("/api/0/envelope/", Err(Refusal::BadProject)),
            ("/api/42/nonsense/", Err(Refusal::NotFound)),
            ("/api/42/envelope/more", Err(Refusal::NotFound)),
            ("/api/42/", Err(Refusal::NotFound)),
            ("/api/", Err(Refusal::NotFound)),
            ("/other/42/envelope/", Err(Refusal::NotFound)),
        ] {
            assert_eq!(Route::parse(path), route, "{path}");
        }
    }
}
