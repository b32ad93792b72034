//! # From components to hashes
//!
//! **Promise.** Variants with their hashes in the order that decides (grouping.md 9.2, 10, 12, 14, 15): `app` before `system`, no hash twice, never none.

use std::sync::Arc;

use super::Grouping;
use super::component::{Component, Hint};
use super::culprit::culprit;
use super::fingerprint::{self, Asked, Decision, Fingerprint, Scope};
use super::hash::Hash;
use super::place;
use super::rules::Origin;
use super::shape::{self, Object};
use super::strategies::{self, Choice};
use super::title::{self, Kind};
use super::traces::Traces;
use super::variant::Variant;

/// Everything grouping says about an event whose frames are settled.
pub(super) fn grouping(event: &Object, traces: &Traces<'_>, decision: Decision) -> Grouping {
    let scope = Scope { event, traces };
    let Choice { variants, main_exception, passed_over } = strategies::choose(event, traces);
    let mut variants = normal(variants);
    match &decision.fingerprint {
        Fingerprint::Default => {}
        Fingerprint::Hybrid(asked) => salt(&mut variants, asked, scope),
        Fingerprint::Custom(asked) => replace(&mut variants, custom(asked, scope), "a fingerprint says how to group"),
    }
    if let Some(checksum) = shape::text(event, "checksum") {
        replace(&mut variants, by_checksum(checksum), "a checksum says how to group");
    }
    let mut hashes: Vec<Hash> = Vec::with_capacity(2);
    for hash in variants.iter().filter(|variant| variant.contributes).filter_map(|variant| variant.hash) {
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
    let kind = Kind::of(event, traces);
    let given = decision.title.map(|title| scope.title(&title));
    let name = title::name(event, traces, kind, main_exception, given);
    Grouping {
        hashes,
        variants,
        title: name.title,
        culprit: culprit(event, traces),
        kind,
        place: place::place(event, traces, kind),
        location: name.location,
        metadata: name.metadata.into(),
        passed_over,
        rules_cut: Vec::new(),
        main_exception,
    }
}

/// The normal variants: those that count, and the fallback when none does.
fn normal(components: Vec<(&'static str, Component)>) -> Vec<Variant> {
    let mut variants: Vec<Variant> = components.into_iter().map(|(name, component)| variant(name, component)).collect();
    let has_stack = |variant: &Variant| variant.component.as_ref().is_some_and(|component| component.find("stacktrace").is_some());
    if variants.iter().any(has_stack) {
        variants.iter_mut().filter(|variant| !has_stack(variant)).for_each(|variant| drop_out(variant, "no frame of it is in the app"));
    }
    if let [app, system] = variants.as_mut_slice()
        && app.contributes
        && app.hash == system.hash
    {
        drop_out(system, "the same as the app variant");
    }
    if !variants.iter().any(|variant| variant.contributes) {
        let hint = Some(Hint::Because("nothing in the event says how to group it"));
        let hash = Some(Hash::of([]));
        variants.push(Variant { name: "fallback", contributes: true, hash, hint, component: None, fingerprint: None });
    }
    variants
}

fn variant(name: &'static str, component: Component) -> Variant {
    let root = Component::branch(name, vec![component]);
    let hash = root.contributes.then(|| Hash::of(root.texts()));
    Variant { name, contributes: root.contributes, hash, hint: None, component: Some(root), fingerprint: None }
}

fn drop_out(variant: &mut Variant, reason: &'static str) {
    variant.contributes = false;
    variant.hint = Some(Hint::Because(reason));
}

/// Puts one variant above all others, which stay visible.
fn replace(variants: &mut Vec<Variant>, by: Variant, reason: &'static str) {
    variants.retain(|variant| variant.name != "fallback");
    variants.iter_mut().filter(|variant| variant.contributes).for_each(|variant| drop_out(variant, reason));
    variants.insert(0, by);
}

fn by_checksum(checksum: &str) -> Variant {
    let (name, hash) = match Hash::parse(checksum) {
        Some(hash) => ("checksum", hash),
        None => ("hashed_checksum", Hash::of([checksum])),
    };
    Variant { name, contributes: true, hash: Some(hash), hint: None, component: None, fingerprint: None }
}

/// A variant of the fingerprint's entries alone.
fn custom(asked: &Asked, scope: Scope<'_, '_>) -> Variant {
    let name = match asked.rule.as_ref().map(|rule| rule.origin) {
        None | Some(Origin::Project) if !scope.traces.version.traits().tells_fingerprints_apart => "custom_fingerprint",
        None => "custom_client_fingerprint",
        Some(Origin::Project) => "custom_server_fingerprint",
        Some(Origin::BuiltIn) => "built_in_fingerprint",
    };
    let entries: Vec<String> = asked.entries.iter().map(|entry| scope.entry(entry)).collect();
    let hash = Some(Hash::of(entries.iter().map(String::as_str)));
    Variant { name, contributes: true, hash, hint: hint(asked), component: None, fingerprint: Some(entries) }
}

/// Mixes the fingerprint's entries into every variant that counts; `{{ default }}` stands for the variant's own texts.
fn salt(variants: &mut [Variant], asked: &Asked, scope: Scope<'_, '_>) {
    let entries: Vec<Option<String>> =
        asked.entries.iter().map(|entry| (!fingerprint::is_default(entry)).then(|| scope.entry(entry))).collect();
    for variant in variants.iter_mut().filter(|variant| variant.contributes) {
        let own = variant.component.as_ref().map(Component::texts).unwrap_or_default();
        let mut texts = Vec::new();
        for entry in &entries {
            match entry {
                Some(entry) => texts.push(entry.as_str()),
                None => texts.extend(&own),
            }
        }
        variant.hash = Some(Hash::of(texts));
        variant.hint = hint(asked);
        variant.fingerprint = Some(entries.iter().flatten().cloned().collect());
    }
}

fn hint(asked: &Asked) -> Option<Hint> {
    asked.rule.as_ref().map(|rule| Hint::Rule { effect: "fingerprint set", rule: Arc::clone(rule) })
}
