//! # Grouping in words
//!
//! **Promise.** A few short sentences that say why events are one issue: what they share, what does not count, what would change it.

use super::component::Component;
use super::variant::Variant;
use super::{Grouping, Hint, RuleSource};

/// So many functions of a stack, and exceptions of a chain, are named before the rest is counted.
const MAX_NAMED: usize = 4;

/// Why an event belongs where it does, in short sentences.
pub fn explain_words(grouping: &Grouping) -> Vec<String> {
    let Some(variant) = grouping.variants.iter().find(|variant| variant.contributes) else { return Vec::new() };
    let mut sentences = vec![shared(variant)];
    if variant.component.is_some()
        && let Some(entries) = &variant.fingerprint
    {
        sentences.push(format!("The fingerprint adds: {}.", entries.join(", ")));
    }
    if let Some(rule) = fingerprint_rule(variant) {
        sentences.push(format!("It was set by {rule}."));
    }
    if let Some(component) = &variant.component {
        sentences.extend(unimportant(component));
    }
    if variant.name == "system" {
        sentences.push("No frame is marked as part of the app.".to_owned());
    }
    let cut = |rules: &&str| {
        format!("The project's {rules} were not all tried: on this event they would take too long. Fewer or simpler ones would.")
    };
    sentences.extend(grouping.rules_cut.iter().map(cut));
    sentences
}

/// What would bring such an event to another issue, in short sentences.
pub fn explain_changes(grouping: &Grouping) -> Vec<String> {
    let Some(variant) = grouping.variants.iter().find(|variant| variant.contributes) else { return Vec::new() };
    let mut sentences = Vec::new();
    match variant.name {
        "fallback" => {
            sentences.push("An event that says what happened: an exception, a stack trace, a message or a fingerprint.".to_owned());
        }
        "checksum" | "hashed_checksum" => sentences.push("Another checksum from the client, or none.".to_owned()),
        "custom_client_fingerprint" | "custom_fingerprint" if fingerprint_rule(variant).is_none() => {
            sentences.push("Another fingerprint from the client, or none.".to_owned());
            sentences.push("A fingerprint rule that matches the event: rules come before what the client sends.".to_owned());
        }
        "custom_server_fingerprint" | "custom_fingerprint" | "built_in_fingerprint" => {
            sentences.push("Other values of what the fingerprint is made of.".to_owned());
            sentences.push(match variant.name {
                "built_in_fingerprint" => {
                    "A fingerprint rule of the project that matches the event: it comes before the built-in ones.".to_owned()
                }
                _ => "A change to this rule, or a fingerprint rule above it that matches the event.".to_owned(),
            });
        }
        _ => sentences.extend(
            variant.component.as_ref().and_then(|root| root.parts().first()).map(|part| other_content(variant, part)).into_iter().flatten(),
        ),
    }
    let would_decide = grouping.variants.iter().find(|other| !other.contributes && other.hash.is_some());
    if variant.component.is_none()
        && let Some(other) = would_decide
    {
        sentences.push(format!(
            "Without the {}, the {} would decide.",
            if variant.fingerprint.is_some() { "fingerprint" } else { "checksum" },
            other.description()
        ));
    }
    sentences
}

fn fingerprint_rule(variant: &Variant) -> Option<&RuleSource> {
    variant.hint.as_ref().and_then(Hint::rule)
}

/// What must differ where the event's own content decides.
fn other_content(variant: &Variant, part: &Component) -> Vec<String> {
    let mut sentences = Vec::new();
    let stacks: Vec<&Component> = exceptions(part).filter_map(|exception| exception.find("stacktrace")).collect();
    if stacks.is_empty() {
        sentences.push(match part.id {
            "exception" | "chained_exception" => format!("Another {}, or a stack trace.", kinds(part).replace(" and ", " or ")),
            "message" => "Other words in the message, or an exception or a stack trace beside it.".to_owned(),
            _ => format!("Another {}.", part.name()),
        });
    } else {
        let counting = stacks.iter().flat_map(|stack| stack.parts()).filter(|frame| frame.contributes).count();
        sentences.push(match counting {
            1 => "Another function, module or file in the frame that counts, or a second frame that counts.".to_owned(),
            many => {
                format!("Another function, module or file in one of the {many} frames that count, another order, one more or one less.")
            }
        });
        sentences.push(match variant.name {
            "app" => "A stack trace rule that puts a frame into the app or takes one out (+app, -app), or decides whether it counts (+group, -group)."
                .to_owned(),
            _ => "A frame that is in the app: marked by the SDK, or by a stack trace rule with +app.".to_owned(),
        });
        if part.find("type").is_some() {
            sentences.push("Another type of exception.".to_owned());
        }
    }
    if part.id == "chained_exception" {
        sentences.push("One exception more or one less, or another order of them.".to_owned());
    }
    sentences.push(match (&variant.fingerprint, fingerprint_rule(variant)) {
        (Some(_), Some(_)) => {
            "Other values in the fingerprint, a change to its rule, or a fingerprint rule above it that matches.".to_owned()
        }
        (Some(_), None) => "Another fingerprint from the client, or a fingerprint rule that matches the event.".to_owned(),
        (None, _) => "A fingerprint, from the client or by a rule that matches the event.".to_owned(),
    });
    sentences
}

fn shared(variant: &Variant) -> String {
    let entries = || variant.fingerprint.as_deref().unwrap_or_default().join(", ");
    match variant.name {
        "fallback" => return "Nothing in the event says what it is, so all such events are together.".to_owned(),
        "checksum" | "hashed_checksum" => return "Same checksum, which the client sent.".to_owned(),
        "custom_client_fingerprint" => return format!("Same fingerprint, which the client sent: {}.", entries()),
        "custom_server_fingerprint" | "custom_fingerprint" | "built_in_fingerprint" => return format!("Same fingerprint: {}.", entries()),
        _ => {}
    }
    let Some(part) = variant.component.as_ref().and_then(|root| root.parts().first()) else { return String::new() };
    let place = if variant.name == "app" { "app frames" } else { "all frames" };
    if part.id == "chained_exception" {
        return chain(part, place);
    }
    if let Some(stack) = part.find("stacktrace") {
        return format!("Same stack in {place}: {}.", functions(stack));
    }
    match part.id {
        "exception" => format!("Same {}: {}.", kinds(part), part.texts().join(": ")),
        "message" => format!("Same message: {}.", part.texts().join("")),
        _ => format!("Same {}: {}.", part.name(), part.texts().join(" ")),
    }
}

/// The exceptions that count of a chain, in hash order; what is no chain is alone.
fn exceptions(part: &Component) -> impl DoubleEndedIterator<Item = &Component> {
    let all = if part.id == "chained_exception" { part.parts() } else { std::slice::from_ref(part) };
    all.iter().filter(|exception| exception.contributes)
}

/// All exceptions of a chain, the one that names it first: `PaymentDeclined in charge_card ← submit; OSError: no <int>`.
fn chain(part: &Component, place: &str) -> String {
    let named = |exception: &Component| match exception.find("stacktrace") {
        None => exception.texts().join(": "),
        Some(stack) => {
            let own = ["type", "ns_error"].iter().filter_map(|id| exception.find(id)).flat_map(Component::texts).collect::<Vec<_>>();
            if own.is_empty() { functions(stack) } else { format!("{} in {}", own.join(": "), functions(stack)) }
        }
    };
    let names: Vec<String> = exceptions(part).rev().map(named).collect();
    let frames = if part.find("stacktrace").is_some() { format!(" and {place}") } else { String::new() };
    let rest = names.len().saturating_sub(MAX_NAMED);
    let more = if rest == 0 { String::new() } else { format!("; and {rest} more") };
    match names.len() {
        1 => format!("Same exception{frames}: {}.", names.concat()),
        count => format!("Same {count} exceptions{frames}: {}{more}.", names.into_iter().take(MAX_NAMED).collect::<Vec<_>>().join("; ")),
    }
}

/// The functions that count, newest first: `charge_card ← submit ← application`.
fn functions(stack: &Component) -> String {
    let name = |frame: &Component| {
        let best = ["function", "module", "filename", "context_line"].iter().find_map(|id| frame.find(id));
        best.and_then(Component::text).map(str::to_owned)
    };
    let names: Vec<String> = stack.parts().iter().rev().filter(|frame| frame.contributes).filter_map(name).collect();
    let rest = names.len().saturating_sub(MAX_NAMED);
    let named = names.into_iter().take(MAX_NAMED).collect::<Vec<_>>().join(" ← ");
    match rest {
        0 => named,
        1 => format!("{named} and 1 more"),
        rest => format!("{named} and {rest} more"),
    }
}

/// What counts of exceptions without stack traces.
fn kinds(part: &Component) -> &'static str {
    match (part.find("type").is_some(), part.find("ns_error").is_some(), part.find("value").is_some()) {
        (true, true, _) => "type and error code",
        (true, false, true) => "type and message",
        (true, false, false) => "type",
        (false, true, _) => "error code",
        (false, false, _) => "message",
    }
}

/// What the placeholders in messages stand for, for people.
const PARAMETERS: [(&str, &str); 19] = [
    ("<int>", "numbers"),
    ("<float>", "numbers"),
    ("<hex>", "hexadecimal numbers"),
    ("<date>", "dates"),
    ("<duration>", "durations"),
    ("<email>", "addresses"),
    ("<url>", "addresses"),
    ("<hostname>", "addresses"),
    ("<ip>", "addresses"),
    ("<mac_addr>", "addresses"),
    ("<uuid>", "ids"),
    ("<traceparent>", "ids"),
    ("<sha1>", "ids"),
    ("<md5>", "ids"),
    ("<git_sha>", "ids"),
    ("<swift_txn_id>", "ids"),
    ("<quoted_str>", "quoted values"),
    ("<bool>", "truth values"),
    ("...", "further lines"),
];

/// What differs between events of the issue without mattering.
fn unimportant(root: &Component) -> Option<String> {
    let mut messages = Vec::new();
    collect_messages(root, &mut messages);
    let kinds = |counting: bool| {
        let mut kinds: Vec<&str> = Vec::new();
        for message in messages.iter().filter(|message| message.contributes == counting) {
            let text = message.text().filter(|_| !counting || message.hint.is_some()).unwrap_or_default();
            for (parameter, kind) in PARAMETERS {
                if text.contains(parameter) && !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        listed(&kinds)
    };
    let ignored = messages.iter().any(|message| !message.contributes);
    if ignored && messages.iter().any(|message| message.contributes) {
        let left_out = kinds(true).map(|kinds| format!(", without the {kinds} in it")).unwrap_or_default();
        return Some(format!("The message counts only of exceptions without a stack trace{left_out}."));
    }
    match (ignored, kinds(false), kinds(true)) {
        (true, Some(kinds), _) => Some(format!("The message does not count, nor do the {kinds} in it.")),
        (true, None, _) => Some("The message does not count.".to_owned()),
        (false, _, Some(kinds)) => Some(format!("The {kinds} in the message do not count.")),
        (false, _, None) => None,
    }
}

fn collect_messages<'c>(component: &'c Component, messages: &mut Vec<&'c Component>) {
    if matches!(component.id, "value" | "message") {
        messages.push(component);
    }
    component.parts().iter().for_each(|part| collect_messages(part, messages));
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[&str]) -> Option<String> {
    let (last, others) = words.split_last()?;
    Some(if others.is_empty() { (*last).to_owned() } else { format!("{} and {last}", others.join(", ")) })
}
