//! From a fact, the rules and a mute to who is told, and why others are not: pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::kinds::FactKind;
use super::model::{Action, Circumstances, Rule};
use crate::alerts::gather::{Addressee, Recipient};
use crate::projects::MailSettings;

/// Nobody is told of anything in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::alerts) struct Mute {
    pub(super) since: DateTime<Utc>,
    /// Nothing: until somebody ends it.
    pub(super) until: Option<DateTime<Utc>>,
    /// Who did it; may be empty.
    pub(super) by: String,
}

impl Mute {
    pub(super) fn is_on(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// "Muted by ana@example.org since 24 Nov 2026, 14:33 UTC, until 24 Nov 2026, 15:33 UTC".
    pub(super) fn words(&self) -> String {
        let by = if self.by.is_empty() { String::new() } else { format!(" by {}", self.by) };
        format!("Muted{by} since {}, {}", clock(self.since), self.end())
    }

    /// "until 24 Nov 2026, 15:33 UTC", "until somebody ends it".
    pub(super) fn end(&self) -> String {
        self.until.map_or_else(|| "until somebody ends it".to_owned(), |until| format!("until {}", clock(until)))
    }
}

/// What a project has chosen.
#[derive(Debug, Clone, Default)]
pub(super) struct Choices {
    /// In their order; those that are off are not here.
    pub(super) rules: Vec<Rule>,
    pub(super) mute: Option<Mute>,
    /// What members hear of where no rule matches.
    pub(super) otherwise: MailSettings,
}

/// What decides about a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    Muted(&'a Mute),
    By(&'a Rule),
    /// No rule matched.
    Otherwise,
}

impl Choices {
    /// The mute, or the first rule that matches.
    pub(super) fn verdict(&self, fact: &Circumstances, now: DateTime<Utc>) -> Verdict<'_> {
        if let Some(mute) = self.mute.as_ref().filter(|mute| mute.is_on(now)) {
            return Verdict::Muted(mute);
        }
        self.rules.iter().find(|rule| rule.definition.matches(fact)).map_or(Verdict::Otherwise, Verdict::By)
    }

    /// Whether a rule looks at the issue, and at its event.
    pub(super) fn asks(&self) -> (bool, bool) {
        let any = |asks: fn(&super::model::Definition) -> bool| self.rules.iter().any(|rule| asks(&rule.definition));
        (any(super::model::Definition::asks_for_issue), any(super::model::Definition::asks_for_event))
    }
}

/// Who is told of a fact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::alerts) struct Routed {
    /// The rule that decided, and its name.
    pub(in crate::alerts) rule: Option<(i64, String)>,
    /// Who is.
    pub(in crate::alerts) told: Vec<Addressee>,
    /// Who is not.
    pub(in crate::alerts) untold: Vec<Recipient>,
    /// Why these are not.
    pub(in crate::alerts) reason: String,
}

/// What the verdict means for a project's people and channels. `last`: when the rule last told of the issue.
pub(super) fn routed(
    verdict: Verdict<'_>,
    (kind, otherwise): (Option<FactKind>, MailSettings),
    recipients: Vec<Addressee>,
    (last, now): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> Routed {
    let everybody =
        |rule, reason: String| Routed { rule, told: Vec::new(), untold: recipients.iter().map(Addressee::recipient).collect(), reason };
    match verdict {
        Verdict::Muted(mute) => {
            let by = if mute.by.is_empty() { "Somebody who is gone" } else { &mute.by };
            everybody(None, format!("{by} muted the project at {}, {}, so nobody was told.", clock(mute.since), mute.end()))
        }
        Verdict::By(rule) => by_rule(rule, recipients, (last, now)),
        Verdict::Otherwise => match kind.filter(|kind| !kind.is_wanted(otherwise)) {
            Some(kind) => everybody(
                None,
                format!("No rule matched, and for what no rule matches “{}” is switched off in the project's alerts.", kind.words()),
            ),
            None => Routed { told: recipients, ..Routed::default() },
        },
    }
}

fn by_rule(rule: &Rule, recipients: Vec<Addressee>, (last, now): (Option<DateTime<Utc>>, DateTime<Utc>)) -> Routed {
    let definition = &rule.definition;
    let is_meant = |to: Recipient| {
        definition.actions.iter().any(|action| match action {
            Action::Everybody => true,
            Action::Member(member) => to == Recipient::Person(*member),
            Action::Channel(channel) => to == Recipient::Channel(*channel),
        })
    };
    let minutes = i64::from(definition.minutes);
    // A clock that went back must not keep people waiting.
    let too_soon = last.filter(|last| *last <= now && now < *last + TimeDelta::minutes(minutes));
    let (told, others): (Vec<_>, Vec<_>) = recipients.into_iter().partition(|to| too_soon.is_none() && is_meant(to.recipient()));
    let name = &rule.name;
    let reason = match too_soon {
        Some(last) => format!("The rule “{name}” tells of an issue once in {}, and last did at {}.", span(minutes), clock(last)),
        None if definition.actions.is_empty() => format!("The rule “{name}” tells nobody."),
        None if told.is_empty() => format!("The rule “{name}” tells only people who are no members any more, or channels that are off."),
        None => format!("The rule “{name}” tells others."),
    };
    Routed { rule: Some((rule.id, name.clone())), told, untold: others.iter().map(Addressee::recipient).collect(), reason }
}

/// "90 minutes", "2 hours", "a week".
pub(super) fn span(minutes: i64) -> String {
    match minutes {
        60 => "an hour".to_owned(),
        1_440 => "a day".to_owned(),
        10_080 => "a week".to_owned(),
        _ if minutes % 1_440 == 0 => format!("{} days", minutes / 1_440),
        _ if minutes % 60 == 0 => format!("{} hours", minutes / 60),
        _ => format!("{minutes} minutes"),
    }
}

fn clock(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::UserId;
    use crate::alerts::rules::model::{Condition, Definition, Group, Test};

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_530_780 + minutes * 60, 0).unwrap()
    }

    fn rule(id: i64, kind: FactKind, actions: Vec<Action>) -> Rule {
        let condition = Condition { not: false, test: Test::Fact(vec![kind]) };
        let groups = vec![Group { all: true, conditions: vec![condition] }];
        Rule { id, name: format!("rule {id}"), is_on: true, definition: Definition { all: true, groups, actions, minutes: 0 } }
    }

    fn people() -> Vec<Addressee> {
        [(1, "ana"), (2, "ben")].into_iter().map(|(id, name)| Addressee::Person(UserId(id), name.to_owned())).collect()
    }

    fn decided(choices: &Choices, kind: FactKind, last: Option<DateTime<Utc>>) -> (Vec<i64>, Vec<i64>, String) {
        let fact = Circumstances { kind: Some(kind), issue: None };
        let verdict = choices.verdict(&fact, at(0));
        let routed = routed(verdict, (Some(kind), choices.otherwise), people(), (last, at(0)));
        (routed.told.iter().map(|to| to.recipient().user()).collect(), routed.untold.iter().map(|to| to.user()).collect(), routed.reason)
    }

    #[test]
    fn without_rules_all_members_hear_of_all_that_is_not_switched_off() {
        let all = Choices { otherwise: MailSettings { silence: true, ..MailSettings::default() }, ..Choices::default() };
        for kind in FactKind::ALL {
            assert_eq!(decided(&all, kind, None), (vec![1, 2], vec![], String::new()));
        }
        assert_eq!(
            decided(&Choices::default(), FactKind::EventsStopped, None).0,
            Vec::<i64>::new(),
            "silence is told where it was asked for"
        );
        let choices = Choices { otherwise: MailSettings { spikes: false, ..MailSettings::default() }, ..Choices::default() };
        let reason = "No rule matched, and for what no rule matches “spike” is switched off in the project's alerts.";
        assert_eq!(decided(&choices, FactKind::Spike, None), (vec![], vec![1, 2], reason.to_owned()));
        assert_eq!(decided(&choices, FactKind::NewIssue, None).0, [1, 2]);
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rules = vec![
            rule(1, FactKind::Spike, vec![Action::Member(UserId(2))]),
            rule(2, FactKind::Spike, vec![Action::Everybody]),
            rule(3, FactKind::Regression, vec![]),
            rule(4, FactKind::Feedback, vec![Action::Member(UserId(9))]),
        ];
        let choices = Choices { rules, otherwise: MailSettings { spikes: false, ..MailSettings::default() }, ..Choices::default() };
        let told = |kind| decided(&choices, kind, None);
        assert_eq!(told(FactKind::Spike), (vec![2], vec![1], "The rule “rule 1” tells others.".to_owned()));
        assert_eq!(told(FactKind::Regression), (vec![], vec![1, 2], "The rule “rule 3” tells nobody.".to_owned()));
        assert_eq!(
            told(FactKind::Feedback).2,
            "The rule “rule 4” tells only people who are no members any more, or channels that are off."
        );
        assert_eq!(told(FactKind::NewIssue).0, [1, 2]);
    }

    #[test]
    fn a_mute_stands_before_all_rules_until_it_is_over() {
        let mute = |until| Mute { since: at(-5), until, by: "ana@example.test".to_owned() };
        let choices = |until| Choices {
            rules: vec![rule(1, FactKind::Spike, vec![Action::Everybody])],
            mute: Some(mute(until)),
            ..Choices::default()
        };
        let (told, untold, reason) = decided(&choices(Some(at(1))), FactKind::Spike, None);
        assert_eq!((told, untold), (vec![], vec![1, 2]));
        assert_eq!(
            reason,
            "ana@example.test muted the project at 24 Nov 2026, 14:28 UTC, until 24 Nov 2026, 14:34 UTC, so nobody was told."
        );
        assert!(decided(&choices(None), FactKind::NewIssue, None).2.contains("until somebody ends it"));
        assert_eq!(decided(&choices(Some(at(0))), FactKind::Spike, None).0, [1, 2], "it is over");
    }

    #[test]
    fn of_one_issue_a_rule_tells_no_more_often_than_it_says() {
        let mut spike = rule(1, FactKind::Spike, vec![Action::Everybody]);
        spike.definition.minutes = 60;
        let choices = Choices { rules: vec![spike], ..Choices::default() };
        let told = |last: i64| decided(&choices, FactKind::Spike, Some(at(last)));
        let reason = "The rule “rule 1” tells of an issue once in an hour, and last did at 24 Nov 2026, 13:34 UTC.";
        assert_eq!(told(-59), (vec![], vec![1, 2], reason.to_owned()));
        assert_eq!(told(-60).0, [1, 2]);
        assert_eq!(told(60).0, [1, 2], "a clock that went back");
        assert_eq!(decided(&choices, FactKind::Spike, None).0, [1, 2]);
    }

    #[test]
    fn spans_are_read_at_a_glance() {
        for (minutes, words) in
            [(5, "5 minutes"), (60, "an hour"), (360, "6 hours"), (1_440, "a day"), (2_880, "2 days"), (10_080, "a week")]
        {
            assert_eq!(span(minutes), words);
        }
    }
}
