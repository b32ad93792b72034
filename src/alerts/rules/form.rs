//! A rule as a form: from a browser, from a stored rule, and to one.

use super::model::{Action, Condition, Definition, Group, Rule};
use super::typed;
use crate::accounts::UserId;
use crate::alerts::channels::ChannelId;
use crate::alerts::gather::Recipient;
use crate::web::pages::alert_rule::{ConditionRow, GroupRow, OFTEN};
use crate::web::{FieldErrors, Fields};

/// Groups of a rule, and conditions of a group, at most: a rule that needs more is several rules.
const MAX_GROUPS: usize = 6;
const MAX_ROWS: usize = 12;
/// Empty rows after the last condition.
const BLANK: usize = 2;
/// Characters of a name.
const MAX_NAME: usize = 60;
/// People and channels that are chosen at most: as many as a project's members that get mails.
const MAX_CHOSEN: usize = 500;

/// A rule, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) name: String,
    pub(super) is_on: bool,
    pub(super) all: bool,
    /// All of the conditions, or any; and these, without empty ones.
    pub(super) groups: Vec<(bool, Vec<ConditionRow>)>,
    /// `everybody`, `some`, `nobody`.
    pub(super) who: String,
    /// Where only some are told: these.
    pub(super) chosen: Vec<Recipient>,
    pub(super) minutes: u32,
    /// Outside the conditions.
    pub(super) errors: FieldErrors,
}

impl Typed {
    /// A rule that nobody has typed yet.
    pub(super) fn blank() -> Self {
        Self { is_on: true, all: true, who: "everybody".to_owned(), ..Self::default() }
    }

    /// What a browser sent.
    pub(super) fn from_form(fields: &Fields) -> Self {
        let is_all = |name: &str| fields.get(name) != Some("0");
        let group = |number: &str| {
            let values = |name: &str| fields.all(&format!("{name}{number}")).map(str::to_owned).collect::<Vec<_>>();
            let rows = values("subject").into_iter().zip(values("op")).zip(values("value"));
            let rows = rows.map(|((subject, op), value)| ConditionRow { subject, op, value: line(&value), error: None });
            (is_all(&format!("all{number}")), rows.filter(|row| !row.value.is_empty()).take(MAX_ROWS).collect::<Vec<_>>())
        };
        let groups = fields.all("group").take(MAX_GROUPS).map(group).filter(|(_, rows)| !rows.is_empty());
        let people = fields.all("person").filter_map(|id| id.parse().ok().map(UserId).map(Recipient::Person));
        let channels = fields.all("channel").filter_map(|id| id.parse().ok().map(ChannelId).map(Recipient::Channel));
        Self {
            name: line(fields.get("name").unwrap_or_default()),
            is_on: fields.get("on").is_some(),
            all: is_all("all"),
            groups: groups.collect(),
            who: fields.get("who").unwrap_or_default().to_owned(),
            chosen: people.chain(channels).take(MAX_CHOSEN).collect(),
            minutes: fields.get("minutes").and_then(|minutes| minutes.parse().ok()).unwrap_or_default(),
            errors: FieldErrors::default(),
        }
    }

    /// A stored rule.
    pub(super) fn from_rule(rule: &Rule) -> Self {
        let row = |condition: &Condition| {
            let typed = typed::print(condition);
            ConditionRow { subject: typed.subject.to_owned(), op: typed.op.to_owned(), value: typed.value, error: None }
        };
        let definition = &rule.definition;
        let group = |group: &Group| (group.all, group.conditions.iter().map(row).collect());
        let chosen = definition.actions.iter().filter_map(|action| match action {
            Action::Everybody => None,
            Action::Member(user) => Some(Recipient::Person(*user)),
            Action::Channel(channel) => Some(Recipient::Channel(*channel)),
        });
        let who = match definition.actions.as_slice() {
            [] => "nobody",
            actions if actions.contains(&Action::Everybody) => "everybody",
            _ => "some",
        };
        Self {
            name: rule.name.clone(),
            is_on: rule.is_on,
            all: definition.all,
            groups: definition.groups.iter().map(group).collect(),
            who: who.to_owned(),
            chosen: chosen.collect(),
            minutes: definition.minutes,
            errors: FieldErrors::default(),
        }
    }

    /// The rule; nothing when something is wrong, which is then written where it stands. A name is not needed for a rule that is only tried.
    pub(super) fn rule(&mut self, id: i64, needs_name: bool) -> Option<Rule> {
        let mut groups = Vec::new();
        for (all, rows) in &mut self.groups {
            let mut conditions = Vec::new();
            for row in rows {
                match typed::read(&row.subject, &row.op, &row.value) {
                    Ok(condition) => conditions.push(condition),
                    Err(error) => row.error = Some(error),
                }
            }
            groups.push(Group { all: *all, conditions });
        }
        let length = self.name.chars().count();
        if length > MAX_NAME || (needs_name && length == 0) {
            self.wrong("name", format!("A name has 1 to {MAX_NAME} characters; this has {length}."));
        }
        if !OFTEN.iter().any(|(minutes, _)| *minutes == self.minutes) {
            self.wrong("", "There is no such “at most once”.".to_owned());
        }
        let actions = match self.who.as_str() {
            "everybody" => vec![Action::Everybody],
            "nobody" => Vec::new(),
            "some" if self.chosen.is_empty() => {
                self.wrong("who", "Nobody is chosen below. To tell nobody, say so here.".to_owned());
                Vec::new()
            }
            "some" => self.chosen.iter().copied().map(action).collect(),
            _ => {
                self.wrong("who", "Who is told?".to_owned());
                Vec::new()
            }
        };
        if !self.errors.is_empty() || self.groups.iter().flat_map(|(_, rows)| rows).any(|row| row.error.is_some()) {
            return None;
        }
        let name = if self.name.is_empty() { "this rule".to_owned() } else { self.name.clone() };
        Some(Rule { id, name, is_on: self.is_on, definition: Definition { all: self.all, groups, actions, minutes: self.minutes } })
    }

    fn wrong(&mut self, field: &'static str, text: String) {
        self.errors = std::mem::take(&mut self.errors).with(field, text);
    }

    /// Its groups as the form shows them, with empty rows, and an empty group, for more.
    pub(super) fn rows(&self) -> Vec<GroupRow> {
        let blank = || ConditionRow { subject: "fact".to_owned(), op: "is".to_owned(), ..ConditionRow::default() };
        let empty = (self.groups.len() < MAX_GROUPS).then(|| (true, Vec::new()));
        let groups = self.groups.iter().cloned().chain(empty).enumerate();
        let group = |(at, (all, mut rows)): (usize, (bool, Vec<ConditionRow>))| {
            let more = BLANK.min(MAX_ROWS.saturating_sub(rows.len()));
            rows.extend(std::iter::repeat_with(blank).take(more));
            GroupRow { number: at + 1, all, rows }
        };
        groups.map(group).collect()
    }
}

const fn action(to: Recipient) -> Action {
    match to {
        Recipient::Person(user) => Action::Member(user),
        Recipient::Channel(channel) => Action::Channel(channel),
    }
}

/// One line of a form.
fn line(text: &str) -> String {
    text.replace(char::is_control, " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed() -> Typed {
        let row = |subject: &str, op: &str, value: &str| ConditionRow {
            subject: subject.to_owned(),
            op: op.to_owned(),
            value: value.to_owned(),
            error: None,
        };
        Typed {
            name: "Production".to_owned(),
            groups: vec![
                (false, vec![row("fact", "is", "new issue, spike"), row("environment", "is_not", "prod*")]),
                (true, vec![row("level", "least", "error")]),
            ],
            who: "some".to_owned(),
            chosen: vec![Recipient::Person(UserId(7)), Recipient::Channel(ChannelId(2))],
            minutes: 60,
            ..Typed::blank()
        }
    }

    #[test]
    fn a_stored_rule_is_shown_as_it_was_typed() {
        let rule = typed().rule(3, true).unwrap();
        let actions = [Action::Member(UserId(7)), Action::Channel(ChannelId(2))];
        assert_eq!((rule.id, rule.definition.groups.len(), rule.definition.actions.as_slice()), (3, 2, &actions[..]));
        assert_eq!(Typed::from_rule(&rule), typed());
        for who in ["everybody", "nobody"] {
            let mut typed = Typed { who: who.to_owned(), chosen: Vec::new(), ..typed() };
            assert_eq!(Typed::from_rule(&typed.rule(3, true).unwrap()), typed);
        }
    }

    #[test]
    fn what_is_wrong_stands_where_it_is() {
        let mut wrong = typed();
        wrong.groups[1].1[0].value = "bad".to_owned();
        (wrong.name, wrong.chosen, wrong.minutes) = (String::new(), Vec::new(), 61);
        assert_eq!(wrong.rule(3, true), None);
        assert!(wrong.groups[1].1[0].error.is_some() && wrong.groups[0].1[0].error.is_none());
        for field in ["", "name", "who"] {
            assert!(wrong.errors.of(field).is_some(), "{field}");
        }
        let mut unnamed = Typed { name: String::new(), ..typed() };
        assert_eq!(unnamed.rule(0, false).map(|rule| rule.name), Some("this rule".to_owned()));
    }

    #[test]
    fn empty_rows_and_an_empty_group_follow_until_there_are_enough() {
        let rows = typed().rows();
        assert_eq!(rows.iter().map(|group| (group.number, group.rows.len())).collect::<Vec<_>>(), [(1, 4), (2, 3), (3, 2)]);
        let full = Typed { groups: vec![(true, vec![ConditionRow::default(); MAX_ROWS]); MAX_GROUPS], ..typed() };
        assert!(full.rows().len() == MAX_GROUPS && full.rows().iter().all(|group| group.rows.len() == MAX_ROWS));
    }
}
