//! What people may switch off, each by itself.

/// What mails are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::alerts) enum Subject {
    /// All there is of a project.
    All,
    /// New issues.
    NewIssues,
    /// Resolved ones that came back.
    Regressions,
    /// Spikes of issues, surges of projects, and their ends.
    Spikes,
    /// Ignored ones whose time is over.
    Unignored,
    /// What users wrote.
    Feedback,
    /// Limits that begin and end to drop something.
    Limits,
    /// Places that make a new issue for every event.
    Noise,
    /// Events that stop, and come back.
    Silence,
    /// The summaries of a person's weeks, which are no project's.
    Weekly,
}

impl Subject {
    /// Those that can be chosen, in the order of the page.
    pub(in crate::alerts) const CHOICES: [Self; 8] =
        [Self::NewIssues, Self::Regressions, Self::Spikes, Self::Unignored, Self::Feedback, Self::Limits, Self::Noise, Self::Silence];

    /// As rows, forms and links say it.
    pub(in crate::alerts) const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::NewIssues => "new_issue",
            Self::Regressions => "regression",
            Self::Spikes => "spike",
            Self::Unignored => "unignored",
            Self::Feedback => "feedback",
            Self::Limits => "limit",
            Self::Noise => "noise",
            Self::Silence => "silence",
            Self::Weekly => "weekly",
        }
    }

    /// The subject of this name.
    pub(in crate::alerts) fn parse(name: &str) -> Option<Self> {
        Self::CHOICES.into_iter().chain([Self::All, Self::Weekly]).find(|subject| subject.name() == name)
    }

    /// What a kind of fact is about.
    pub(in crate::alerts) fn of_fact(kind: &str) -> Self {
        match kind {
            "new_issue" => Self::NewIssues,
            "regression" => Self::Regressions,
            "spike" | "spike_over" | "surge" | "surge_over" => Self::Spikes,
            "events_stopped" | "events_back" => Self::Silence,
            "unignored" => Self::Unignored,
            "noisy_place" => Self::Noise,
            _ => Self::All,
        }
    }

    /// What a kind of mail is about: one that gathers several facts is about the project. Nothing: it cannot be switched off.
    pub(in crate::alerts) fn of_mail(kind: &str) -> Option<Self> {
        Some(match kind {
            "feedback" | "feedback_batch" => Self::Feedback,
            "limit_reached" | "limit_ended" => Self::Limits,
            "noisy_place" | "untold_issues" => Self::Noise,
            "weekly" => Self::Weekly,
            "channel_failed" | "trouble" | "test" => return None,
            other => Self::of_fact(other),
        })
    }

    /// "New issues": heads a column.
    pub(in crate::alerts) const fn title(self) -> &'static str {
        match self {
            Self::All => "Everything",
            Self::NewIssues => "New issues",
            Self::Regressions => "Regressions",
            Self::Spikes => "Spikes and surges",
            Self::Unignored => "Ignored no more",
            Self::Feedback => "Feedback",
            Self::Limits => "Limits",
            Self::Noise => "Noisy places",
            Self::Silence => "Silence",
            Self::Weekly => "Your week",
        }
    }

    /// "new issues of shop".
    pub(in crate::alerts) fn of_project(self, project: &str) -> String {
        match self {
            Self::All => project.to_owned(),
            Self::Weekly => "your week".to_owned(),
            Self::Unignored => format!("issues of {project} that are ignored no more"),
            other => format!("{} of {project}", other.title().to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_mail_is_about_something_that_can_be_switched_off() {
        for subject in Subject::CHOICES {
            assert_eq!(Subject::parse(subject.name()), Some(subject));
        }
        for kind in [
            "new_issue",
            "regression",
            "spike",
            "unignored",
            "feedback",
            "feedback_batch",
            "limit_reached",
            "limit_ended",
            "noisy_place",
            "surge",
            "events_stopped",
        ] {
            assert!(Subject::of_mail(kind).is_some_and(|subject| Subject::CHOICES.contains(&subject)), "{kind}");
        }
        assert_eq!((Subject::of_mail("digest"), Subject::parse("digest")), (Some(Subject::All), None));
        assert_eq!((Subject::of_mail("weekly"), Subject::parse("weekly")), (Some(Subject::Weekly), Some(Subject::Weekly)));
        assert_eq!(Subject::of_mail("channel_failed"), None, "who stopped it would stop the whole project");
        assert_eq!(Subject::Regressions.of_project("shop"), "regressions of shop");
    }
}
