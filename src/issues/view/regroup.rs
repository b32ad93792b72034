//! What new rules change among stored events: the page of corrections by rules, and the preview.

use askama::Template;

use crate::web::{Page, Sample, Shell, When, number, page::HOSTILE, urls};

/// A correction by rules.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// Its number.
    pub id: i64,
    /// When it was begun.
    pub at: When,
    /// "All events", "Events of SHOP-12".
    pub of: String,
    /// "Grouping stored events again: 12,000 looked at".
    pub state: String,
    /// It may be confirmed.
    pub is_done: bool,
    /// It may be undone, or stopped and undone.
    pub may_undo: bool,
    /// It is at work.
    pub is_active: bool,
}

/// All that `templates/regroup/show.html` may print.
#[derive(Debug, Template)]
#[template(path = "regroup/show.html")]
pub struct RegroupPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// The user may begin and undo.
    pub may_change: bool,
    /// Newest first.
    pub runs: Vec<RunRow>,
}

impl RegroupPage {
    fn is_active(&self) -> bool {
        self.runs.iter().any(|run| run.is_active)
    }
}

/// One issue's share of a change.
#[derive(Debug, Clone)]
pub struct PieceRow {
    /// "SHOP-12", "a new issue".
    pub name: String,
    /// Its page, or the example event's.
    pub href: String,
    /// What the example is called.
    pub title: String,
    /// Events.
    pub events: i64,
}

impl PieceRow {
    fn events_text(&self) -> String {
        number::counted(self.events, "event")
    }
}

/// Issues that come together, or one that comes apart.
#[derive(Debug, Clone)]
pub struct ChangeRow {
    /// "Become SHOP-12", "SHOP-12 comes apart".
    pub head: String,
    /// Side by side.
    pub pieces: Vec<PieceRow>,
    /// "and 12 more"; may be empty.
    pub more: String,
}

/// The result of a preview: `templates/regroup/changes.html`.
#[derive(Debug, Template)]
#[template(path = "regroup/changes.html")]
pub struct ChangesView {
    /// In a sentence.
    pub summary: String,
    /// What comes together.
    pub merges: Vec<ChangeRow>,
    /// What comes apart.
    pub splits: Vec<ChangeRow>,
    /// "and 30 more"; may be empty.
    pub more: String,
}

impl ChangesView {
    fn lists(&self) -> [(&'static str, &[ChangeRow]); 2] {
        [("Come together", &self.merges), ("Come apart", &self.splits)]
    }
}

/// Where the progress goes while the page is sent.
pub const MARK: &str = "<!--progress-->";

/// The page around a preview, sent in two parts: `templates/regroup/preview.html`.
#[derive(Debug, Template)]
#[template(path = "regroup/preview.html")]
pub struct PreviewPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// The texts that are looked at, to be saved from here; nothing where one rule was added to those that are saved.
    pub texts: Option<RuleTexts>,
}

/// The texts of a project's rules.
#[derive(Debug, Clone)]
pub struct RuleTexts {
    /// Stack trace rules.
    pub stack_trace: String,
    /// Fingerprint rules.
    pub fingerprint: String,
}

impl Page for RegroupPage {
    const NAME: &'static str = "regroup";

    fn samples() -> Vec<Sample<Self>> {
        let page = |runs, may_change| Self {
            shell: Shell::sample("Stored events"),
            name: "shop-api".to_owned(),
            slug: "shop-api".to_owned(),
            may_change,
            runs,
        };
        let run = |state: &str, is_done, is_active| RunRow {
            id: 3,
            at: When::unknown(),
            of: "All events".to_owned(),
            state: state.to_owned(),
            is_done,
            may_undo: true,
            is_active,
        };
        vec![
            Sample::new("none", page(Vec::new(), true)),
            Sample::new("active", page(vec![run("Moving: 12,000 events looked at, 340 moved", false, true)], true)),
            Sample::new("done", page(vec![run("Done: 340 events moved", true, false)], true)),
            Sample::new("member", page(vec![run("Done: 340 events moved", true, false)], false)),
            Sample::new("hostile", Self { name: HOSTILE.to_owned(), ..page(vec![run(HOSTILE, true, false)], true) }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_only_text() {
        crate::web::page::assert_inert::<RegroupPage>();
        let piece = || PieceRow { name: HOSTILE.to_owned(), href: "/".to_owned(), title: HOSTILE.to_owned(), events: 3 };
        let row = || ChangeRow { head: HOSTILE.to_owned(), pieces: vec![piece()], more: HOSTILE.to_owned() };
        let view = ChangesView { summary: HOSTILE.to_owned(), merges: vec![row()], splits: vec![row()], more: HOSTILE.to_owned() };
        let html = view.render().unwrap();
        assert!(!html.contains("<script>") && html.contains("3 events"), "{html}");
    }

    #[test]
    fn a_preview_can_be_sent_in_two_parts() {
        let texts = RuleTexts { stack_trace: HOSTILE.to_owned(), fingerprint: format!("{HOSTILE}{MARK}") };
        let page = PreviewPage { shell: Shell::sample("Preview"), name: HOSTILE.to_owned(), slug: "shop".to_owned(), texts: Some(texts) };
        let html = page.render().unwrap();
        assert_eq!(html.matches(MARK).count(), 1, "{html}");
        assert!(!html.contains("<script>"), "{html}");
    }
}
