//! The tabs over a project's settings.

use crate::web::{Link, urls};

/// A page of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    General,
    Scrubbing,
    Filters,
    Grouping,
    Limits,
    Alerts,
    Channels,
    Stats,
    Requests,
    Feedback,
}

/// All of them, the shown one chosen.
pub(super) fn tabs(slug: &str, shown: Tab) -> Vec<Link> {
    let all = [
        (Tab::General, "General", urls::project_settings(slug)),
        (Tab::Scrubbing, "Data scrubbing", urls::project_scrubbing(slug)),
        (Tab::Filters, "Inbound filters", urls::project_filters(slug)),
        (Tab::Grouping, "Grouping rules", urls::project_grouping(slug)),
        (Tab::Limits, "Limits", urls::project_limits(slug)),
        (Tab::Alerts, "Alerts", urls::project_alerts(slug)),
        (Tab::Channels, "Channels", urls::project_channels(slug)),
        (Tab::Stats, "Stats", urls::project_stats(slug)),
        (Tab::Requests, "Recent requests", urls::project_requests(slug)),
        (Tab::Feedback, "Feedback", urls::project_feedback(slug, "", "", "")),
    ];
    all.into_iter().map(|(tab, text, href)| Link::new(text, href).chosen_if(tab == shown)).collect()
}
