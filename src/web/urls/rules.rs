//! The addresses of alert rules and mutes.

use std::fmt::Display;

use super::enc;
use crate::web::prefix;

/// Who is told of what in a project: rules, mute, settings.
pub fn project_alerts(slug: &str) -> String {
    prefix::add(&format!("/projects/{}/alerts", enc(slug)))
}
/// POST: nobody is told of anything for a while.
pub fn project_mute(slug: &str) -> String {
    format!("{}/mute", project_alerts(slug))
}
/// POST: ends that.
pub fn project_unmute(slug: &str) -> String {
    format!("{}/unmute", project_alerts(slug))
}
/// One rule, or `new`; POST saves or tests it.
pub fn alert_rule(slug: &str, rule: impl Display) -> String {
    format!("{}/rules/{}", project_alerts(slug), enc(rule))
}
/// POST: puts the rule up or down.
pub fn alert_rule_move(slug: &str, rule: impl Display) -> String {
    format!("{}/move", alert_rule(slug, rule))
}
/// POST: switches the rule on or off.
pub fn alert_rule_switch(slug: &str, rule: impl Display) -> String {
    format!("{}/switch", alert_rule(slug, rule))
}
/// POST: deletes the rule.
pub fn alert_rule_delete(slug: &str, rule: impl Display) -> String {
    format!("{}/delete", alert_rule(slug, rule))
}
