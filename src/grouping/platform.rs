//! # Platform families
//!
//! **Promise.** Every platform name belongs to exactly one [`Family`]; unknown names are [`Family::Other`].

/// What a platform's stack traces have in common (grouping.md 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Compiled code whose function names come from debug symbols.
    Native,
    /// Browsers and Node.
    Javascript,
    /// Everything else.
    Other,
}

impl Family {
    /// The family a platform name belongs to.
    pub(super) fn of(platform: &str) -> Self {
        match platform {
            "objc" | "cocoa" | "swift" | "native" | "c" => Self::Native,
            "javascript" | "node" => Self::Javascript,
            _ => Self::Other,
        }
    }

    /// The family that rules call so.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Native, Self::Javascript, Self::Other].into_iter().find(|family| family.name() == name)
    }

    /// The name rules use for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Javascript => "javascript",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_fall_into_three_families() {
        let table = [
            ("objc", "native"),
            ("cocoa", "native"),
            ("swift", "native"),
            ("native", "native"),
            ("c", "native"),
            ("javascript", "javascript"),
            ("node", "javascript"),
            ("python", "other"),
            ("java", "other"),
            ("Native", "other"),
            ("", "other"),
        ];
        for (platform, family) in table {
            assert_eq!(Family::of(platform).name(), family, "{platform}");
        }
    }
}
