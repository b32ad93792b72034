//! The kinds of facts that people are told of.

use serde::{Deserialize, Serialize};

use crate::projects::MailSettings;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::alerts) enum FactKind {
    NewIssue,
    Regression,
    Spike,
    SpikeOver,
    Unignored,
    Feedback,
    LimitReached,
    LimitEnded,
    NoisyPlace,
    /// Many issues of a project at once.
    Surge,
    SurgeOver,
    /// Nothing comes of a project that never stops.
    EventsStopped,
    EventsBack,
}

impl FactKind {
    pub(in crate::alerts) const ALL: [Self; 13] = [
        Self::NewIssue,
        Self::Regression,
        Self::Spike,
        Self::SpikeOver,
        Self::Unignored,
        Self::Feedback,
        Self::LimitReached,
        Self::LimitEnded,
        Self::NoisyPlace,
        Self::Surge,
        Self::SurgeOver,
        Self::EventsStopped,
        Self::EventsBack,
    ];

    /// As rows say it.
    pub(in crate::alerts) const fn name(self) -> &'static str {
        match self {
            Self::NewIssue => "new_issue",
            Self::Regression => "regression",
            Self::Spike => "spike",
            Self::SpikeOver => "spike_over",
            Self::Unignored => "unignored",
            Self::Feedback => "feedback",
            Self::LimitReached => "limit_reached",
            Self::LimitEnded => "limit_ended",
            Self::NoisyPlace => "noisy_place",
            Self::Surge => "surge",
            Self::SurgeOver => "surge_over",
            Self::EventsStopped => "events_stopped",
            Self::EventsBack => "events_back",
        }
    }

    /// As people say it, and as rules are typed.
    pub(in crate::alerts) const fn words(self) -> &'static str {
        match self {
            Self::NewIssue => "new issue",
            Self::Regression => "regression",
            Self::Spike => "spike",
            Self::SpikeOver => "spike over",
            Self::Unignored => "ignored no more",
            Self::Feedback => "feedback",
            Self::LimitReached => "limit reached",
            Self::LimitEnded => "limit ended",
            Self::NoisyPlace => "noisy place",
            Self::Surge => "surge",
            Self::SurgeOver => "surge over",
            Self::EventsStopped => "events stopped",
            Self::EventsBack => "events back",
        }
    }

    /// The kind with this name; nothing for one that this program does not know.
    pub(in crate::alerts) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What somebody typed, its words or its name, in any case, `new-issue` as well.
    pub(super) fn parse(typed: &str) -> Option<Self> {
        let typed = typed.trim().to_lowercase().replace(['_', '-'], " ");
        Self::ALL.into_iter().find(|kind| kind.words() == typed || kind.name().replace('_', " ") == typed)
    }

    /// Whether members hear of it where no rule says otherwise.
    pub(super) const fn is_wanted(self, wanted: MailSettings) -> bool {
        match self {
            Self::NewIssue => wanted.new_issues,
            Self::Regression => wanted.regressions,
            Self::Spike | Self::SpikeOver | Self::Surge | Self::SurgeOver => wanted.spikes,
            Self::Unignored => wanted.unignored,
            Self::Feedback => wanted.feedback,
            Self::LimitReached | Self::LimitEnded => wanted.limits,
            Self::NoisyPlace => wanted.noisy_places,
            Self::EventsStopped | Self::EventsBack => wanted.silence,
        }
    }
}

/// "New issue", of the name in a row.
pub(in crate::alerts) fn title(name: &str) -> String {
    let words = FactKind::named(name).map_or(name, |kind| kind.words());
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_they_are_written_and_as_people_type_them() {
        for kind in FactKind::ALL {
            assert_eq!(FactKind::named(kind.name()), Some(kind));
            assert_eq!(FactKind::parse(kind.words()), Some(kind));
            assert_eq!(FactKind::parse(&format!(" {} ", kind.name().to_uppercase())), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name(), "rules and facts name it alike");
        }
        assert_eq!((FactKind::named("from_tomorrow"), FactKind::parse("issue")), (None, None));
        assert_eq!(
            (title("spike_over").as_str(), title("from_tomorrow").as_str(), title("").as_str()),
            ("Spike over", "From_tomorrow", "")
        );
    }
}
