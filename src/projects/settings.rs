//! # Settings: what a project has chosen, and the same made ready
//! **Promise.** Whatever `projects.settings` holds, there is a [`ProjectConfig`]: a part that makes no sense becomes the standard, is named in an
//! ERROR line, and leaves the other parts alone. **How.** Each part is read and compiled by itself.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::known::KnownProject;
use crate::accounts::ProjectId;
use crate::event::filters::{FilterSettings, Filters};
use crate::event::scrub::{Rule, ScrubSettings, Scrubber};
use crate::grouping::{self, TRANSITION, Version};

/// How a project's events are grouped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupingRules {
    /// The version. Projects that were made before there were two say nothing, which is [`Version::default`].
    pub version: Version,
    /// The change of version that is going on, or was.
    pub transition: Option<Transition>,
    /// One rule a line.
    pub stack_trace_rules: String,
    /// One rule a line.
    pub fingerprint_rules: String,
}

impl GroupingRules {
    /// The change of version that is going on at `now`.
    pub fn transition_at(&self, now: DateTime<Utc>) -> Option<&Transition> {
        self.transition.as_ref().filter(|transition| transition.from != self.version && now < transition.until)
    }

    /// The same rules with this fingerprint rule before all others: the first that matches wins.
    #[must_use]
    pub fn with_first(&self, rule: &str) -> Self {
        if self.fingerprint_rules.lines().any(|line| line.trim() == rule) {
            return self.clone();
        }
        let fingerprint_rules = [rule, self.fingerprint_rules.as_str()].join("\n").trim_end().to_owned();
        Self { fingerprint_rules, ..self.clone() }
    }

    /// The same rules without this fingerprint rule.
    #[must_use]
    pub fn without(&self, rule: &str) -> Self {
        let lines: Vec<&str> = self.fingerprint_rules.lines().filter(|line| line.trim() != rule).collect();
        Self { fingerprint_rules: lines.join("\n"), ..self.clone() }
    }

    /// The same rules under another version from `now` on. The one that is in force leaves everything as it is.
    pub(super) fn moved_to(&self, version: Version, now: DateTime<Utc>) -> Self {
        if version == self.version {
            return self.clone();
        }
        Self { version, transition: Some(Transition { from: self.version, until: now + TRANSITION }), ..self.clone() }
    }
}

/// A change of version: events whose hashes are new are looked up under the version before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The version before.
    pub from: Version,
    /// Until when, by the time of receipt.
    pub until: DateTime<Utc>,
}

/// What members hear of where no rule of the project says otherwise: everything but silence, unless it is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "a switch for each")]
pub struct MailSettings {
    /// New issues.
    pub new_issues: bool,
    /// Resolved issues that came back.
    pub regressions: bool,
    /// Spikes of issues, surges of the project, and their ends.
    pub spikes: bool,
    /// Ignored issues for which what they were ignored for has happened.
    pub unignored: bool,
    /// New feedback.
    pub feedback: bool,
    /// Limits that drop something, and their ends.
    pub limits: bool,
    /// Places that make a new issue for every event.
    pub noisy_places: bool,
    /// Events that stop, and come back. Off where nobody asked for it: a bug that was fixed is silent, too.
    pub silence: bool,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            new_issues: true,
            regressions: true,
            spikes: true,
            unignored: true,
            feedback: true,
            limits: true,
            noisy_places: true,
            silence: false,
        }
    }
}

impl MailSettings {
    /// What `projects.settings` says.
    pub fn read(settings: &Value) -> Self {
        part(settings, "mails", &|_, _| {})
    }
}

/// What stands in `projects.settings`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectSettings {
    /// What must never be stored.
    pub scrub: ScrubSettings,
    /// What nobody wants to see.
    pub filters: FilterSettings,
    /// Which events are the same bug.
    pub grouping: GroupingRules,
}

impl ProjectSettings {
    /// What `projects.settings` says, part by part as [`ProjectConfig`] takes it.
    pub(super) fn read(settings: &Value) -> Self {
        let quiet = |_: &str, _: &str| {};
        Self {
            scrub: scrub_settings(settings, &quiet),
            filters: part(settings, "filters", &quiet),
            grouping: grouping_rules(settings, &quiet),
        }
    }
}

/// All that digest needs to know of a project.
#[derive(Debug, Clone)]
pub struct ProjectConfig {
    /// The internal number.
    pub id: ProjectId,
    /// The public number.
    pub dsn_id: i64,
    /// In addresses.
    pub slug: String,
    /// As people call it.
    pub name: String,
    /// What short ids begin with.
    pub short_prefix: String,
    /// Scrubbing.
    pub scrubber: Scrubber,
    /// Inbound filters.
    pub filters: Filters,
    /// Grouping.
    pub grouping: Arc<grouping::Config>,
    /// Grouping by the version before the last change, and until when an event's hashes under it lead to its issue as well.
    pub earlier_grouping: Option<(Arc<grouping::Config>, DateTime<Utc>)>,
    /// Whether senders' addresses may be kept.
    pub store_ips: bool,
}

impl ProjectConfig {
    pub(super) fn compile(project: &KnownProject) -> Self {
        let complain = |part: &str, why: &str| {
            let id = project.project_id;
            tracing::error!(
                project.id = id,
                "the settings of project {id} ({}) make no sense, using the standard: {part}: {why}",
                project.slug
            );
        };
        let mut scrub = scrub_settings(&project.settings, &complain);
        if scrub.hash_salt.is_empty() {
            scrub.hash_salt = derived_salt(project.project_id);
        }
        let filters: FilterSettings = part(&project.settings, "filters", &complain);
        let rules = grouping_rules(&project.settings, &complain);
        let compiled = |version| {
            grouping::Config::with_rules(version, &rules.stack_trace_rules, &rules.fingerprint_rules).unwrap_or_else(|errors| {
                complain("grouping", &errors.to_string());
                grouping::Config::of(version)
            })
        };
        let earlier = rules.transition.filter(|transition| transition.from != rules.version);
        Self {
            id: ProjectId(project.project_id),
            dsn_id: project.dsn_id,
            slug: project.slug.clone(),
            name: project.name.clone(),
            short_prefix: project.short_prefix.clone(),
            store_ips: !scrub.scrub_ip_addresses,
            scrubber: scrubber(&scrub, &complain),
            filters: Filters::new(&filters),
            grouping: Arc::new(compiled(rules.version)),
            earlier_grouping: earlier.map(|transition| (Arc::new(compiled(transition.from)), transition.until)),
        }
    }

    /// Grouping by the version before, while the change to this one is going on for what was received at `received`.
    pub fn earlier_grouping_at(&self, received: DateTime<Utc>) -> Option<&grouping::Config> {
        self.earlier_grouping.as_ref().filter(|(_, until)| received < *until).map(|(config, _)| &**config)
    }
}

/// One part of the settings; nothing is the standard, too.
fn part<T: DeserializeOwned + Default>(settings: &Value, name: &str, complain: &impl Fn(&str, &str)) -> T {
    let Some(value) = settings.get(name) else { return T::default() };
    T::deserialize(value).unwrap_or_else(|error| {
        complain(name, &error.to_string());
        T::default()
    })
}

/// How events are grouped. A version that this program does not know, or a change that makes no sense, leaves the rules alone.
fn grouping_rules(settings: &Value, complain: &impl Fn(&str, &str)) -> GroupingRules {
    let mut settings = settings.clone();
    if let Some(grouping) = settings.get_mut("grouping").and_then(Value::as_object_mut) {
        let version = grouping.get("version").map(|version| Version::deserialize(version).map(|_| ()));
        let transition = grouping.get("transition").map(|transition| <Option<Transition>>::deserialize(transition).map(|_| ()));
        for (key, found) in [("version", version), ("transition", transition)] {
            if let Some(Err(error)) = found {
                complain(&format!("grouping.{key}"), &error.to_string());
                grouping.remove(key);
            }
        }
    }
    part(&settings, "grouping", complain)
}

/// What must not be stored. A rule that cannot be read costs the rules only: taking too little would store what must not be.
fn scrub_settings(settings: &Value, complain: &impl Fn(&str, &str)) -> ScrubSettings {
    let mut settings = settings.clone();
    if let Some(scrub) = settings.get_mut("scrub").and_then(Value::as_object_mut)
        && let Some(rules) = scrub.get("rules")
        && let Err(error) = <Vec<Rule>>::deserialize(rules)
    {
        complain("scrub.rules", &error.to_string());
        scrub.remove("rules");
    }
    part(&settings, "scrub", complain)
}

/// The scrubber. Of settings that do not compile as much is kept as compiles.
fn scrubber(settings: &ScrubSettings, complain: &impl Fn(&str, &str)) -> Scrubber {
    let standard = || ScrubSettings { scrub_ip_addresses: settings.scrub_ip_addresses, ..ScrubSettings::default() };
    let attempts = [settings.clone(), ScrubSettings { rules: Vec::new(), ..settings.clone() }, standard()];
    for attempt in attempts {
        match attempt.compile() {
            Ok(scrubber) => return scrubber,
            Err(error) => complain("scrub", &error.to_string()),
        }
    }
    // The standard is tested to compile; were it not, there is nothing left to try but no own words at all.
    ScrubSettings::default().compile().unwrap_or_else(|error| unreachable!("the standard scrubber compiles: {error}"))
}

/// For projects that were made without a salt of their own: differs per project and never changes.
fn derived_salt(project: i32) -> String {
    hex::encode(Sha256::digest(format!("vedette project {project}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(settings: Value) -> ProjectConfig {
        ProjectConfig::compile(&KnownProject { project_id: 7, settings, ..KnownProject::default() })
    }

    fn scrubbed(config: &ProjectConfig, mut event: Value) -> Value {
        config.scrubber.scrub(&mut event);
        event
    }

    #[test]
    fn settings_survive_json() {
        let mut settings = ProjectSettings::default();
        settings.scrub.sensitive_fields.push("iban".to_owned());
        settings.grouping.fingerprint_rules = "error.type:Boom -> boom".to_owned();
        let json = serde_json::to_value(&settings).unwrap();
        assert_eq!(serde_json::from_value::<ProjectSettings>(json).unwrap(), settings);
        assert_eq!(serde_json::from_value::<ProjectSettings>(json!({})).unwrap(), ProjectSettings::default());
    }

    #[test]
    fn a_part_that_makes_no_sense_leaves_the_others_alone() {
        let config = config(json!({
            "scrub": {"sensitiveFields": ["iban"], "scrubIpAddresses": true, "rules": [{"type": "pattern"}]},
            "filters": 7,
            "grouping": {"fingerprint_rules": "nonsense"},
        }));
        assert!(!config.store_ips);
        let event = scrubbed(&config, json!({"extra": {"iban": "DE89", "password": "x", "plain": "kept"}}));
        assert_eq!(event["extra"], json!({"iban": "[Filtered]", "password": "[Filtered]", "plain": "kept"}));
        assert_eq!(config.grouping.version(), Version::default());
    }

    #[test]
    fn a_version_that_is_not_known_leaves_the_rules_alone() {
        let rules = "error.type:Boom -> boom";
        let settings = json!({"grouping": {"version": "newstyle:2031-01-01", "transition": {"from": "x"}, "fingerprint_rules": rules}});
        let read = ProjectSettings::read(&settings).grouping;
        assert_eq!(read, GroupingRules { fingerprint_rules: rules.to_owned(), ..GroupingRules::default() });
        assert!(config(settings).earlier_grouping.is_none());
    }

    #[test]
    fn the_version_before_counts_until_the_change_is_over() {
        let until: DateTime<Utc> = "2026-12-25T00:00:00Z".parse().unwrap();
        let settings = |from: Version| json!({"grouping": {"version": Version::V2026_01_20, "transition": {"from": from, "until": until}}});
        let changed = config(settings(Version::V2023_01_11));
        let second = chrono::TimeDelta::seconds(1);
        assert_eq!(changed.earlier_grouping_at(until - second).map(grouping::Config::version), Some(Version::V2023_01_11));
        assert!(changed.earlier_grouping_at(until).is_none());
        assert!(config(settings(Version::V2026_01_20)).earlier_grouping.is_none(), "no change at all");
        let read = ProjectSettings::read(&settings(Version::V2023_01_11)).grouping;
        assert!(read.transition_at(until - second).is_some() && read.transition_at(until).is_none());
        assert_eq!(read.moved_to(Version::V2026_01_20, until), read, "a move to where it is leaves the one that goes on");
        let back = read.moved_to(Version::V2023_01_11, until);
        assert_eq!(back.transition, Some(Transition { from: Version::V2026_01_20, until: until + TRANSITION }));
    }

    #[test]
    fn a_rule_that_does_not_compile_costs_the_rules_only() {
        let config = config(json!({"scrub": {"sensitiveFields": ["iban"], "rules": [{"path": "**", "pattern": "(", "action": "remove"}]}}));
        assert_eq!(scrubbed(&config, json!({"extra": {"iban": "DE89"}}))["extra"]["iban"], "[Filtered]");
    }

    #[test]
    fn settings_of_any_shape_give_a_config() {
        let quiet = MailSettings::read(&json!({"mails": {"feedback": false}}));
        assert_eq!(quiet, MailSettings { feedback: false, ..MailSettings::default() }, "what older programs wrote");
        for settings in [json!(null), json!([]), json!("x"), json!({"scrub": null, "grouping": [], "mails": {"feedback": "no"}})] {
            assert!(MailSettings::read(&settings).feedback);
            let config = config(settings);
            assert!(config.store_ips);
            assert_eq!(scrubbed(&config, json!({"extra": {"password": "x"}}))["extra"]["password"], "[Filtered]");
        }
    }

    #[test]
    fn salts_differ_per_project_and_stay() {
        assert_eq!(derived_salt(1), derived_salt(1));
        assert_ne!(derived_salt(1), derived_salt(2));
    }
}
