//! Limits as they are stored: `{"events_minute": 100}`, in a project's settings under `limits` and in `project_keys.limits`.

use serde_json::{Map, Value};

use crate::protocol::quota::{Class, LimitName, Period};
use crate::protocol::rate_limits::Scope;

/// The largest limit that can be set.
pub const MAX_LIMIT: u64 = 1_000_000_000_000;

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Which.
    pub name: LimitName,
    /// How many.
    pub max: u64,
}

/// The key under which a limit is stored, which is its name in forms, too.
pub fn stored_name(class: Class, period: Period) -> String {
    format!("{}_{}", class.name(), period.name())
}

/// The limits in stored JSON. What makes no sense is no limit: events are rather taken than lost.
pub(in crate::projects) fn read(stored: &Value, scope: Scope) -> Vec<Limit> {
    let places = Class::ALL.into_iter().flat_map(|class| Period::ALL.map(|period| (class, period)));
    let limits = places.filter_map(|(class, period)| {
        let max = stored.get(stored_name(class, period))?.as_u64().filter(|max| (1..=MAX_LIMIT).contains(max))?;
        Some(Limit { name: LimitName { scope, class, period }, max })
    });
    limits.collect()
}

/// As stored; `null` where there is no limit, so that a merge takes an old one out.
pub(in crate::projects) fn to_json(limits: &[(Class, Period, Option<u64>)]) -> Value {
    let pairs = limits.iter().map(|(class, period, max)| (stored_name(*class, *period), Value::from(*max)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_read_as_they_are_written_and_nonsense_is_none() {
        let json = to_json(&[(Class::Events, Period::Minute, Some(100)), (Class::All, Period::Month, None)]);
        assert_eq!(json, json!({"events_minute": 100, "all_month": null}));
        let name = LimitName { scope: Scope::Key, class: Class::Events, period: Period::Minute };
        assert_eq!(read(&json, Scope::Key), [Limit { name, max: 100 }]);
        for nonsense in [json!(null), json!([1]), json!({"events_minute": -1, "events_hour": "9", "events_month": 0, "x": 7})] {
            assert_eq!(read(&nonsense, Scope::Project), [], "{nonsense}");
        }
    }
}
