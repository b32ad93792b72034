//! What the issue page says when there is no event to show.

/// Why there is no event to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// Retention has dropped all payloads.
    #[default]
    Dropped,
    /// The payload is there, but does not decode.
    Unreadable,
}

impl Missing {
    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Dropped => "No stored event is left",
            Self::Unreadable => "This event cannot be read",
        }
    }

    /// What that means.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Dropped => {
                "Retention has dropped the payloads of this issue. Its counts, history and tags stay; the next event will be shown here."
            }
            Self::Unreadable => {
                "What is stored of it is damaged, or was written by a newer version of this server. The issue's counts, history and tags do not \
                 depend on it; the server's log says more."
            }
        }
    }
}
