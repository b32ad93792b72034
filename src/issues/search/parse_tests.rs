//! The search language, case by case.

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-24T14:33:00Z".parse().unwrap()
}

fn text(text: &str) -> Expr {
    Expr::Is(Term::Text(Text { text: text.to_owned(), is_pattern: text.contains('*') }))
}

fn pair(key: &str, value: &str, typed: Option<&str>) -> Expr {
    Expr::Is(Term::Pair { key: key.to_owned(), value: value.to_owned(), typed: typed.map(str::to_owned) })
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

fn read(search: &str) -> Expr {
    parse(search, now()).unwrap_or_else(|mistake| panic!("{search}: {mistake:?}")).expr
}

/// What the mistake points at, and its words.
fn wrong(search: &str) -> (String, String) {
    let mistake = parse(search, now()).expect_err(search);
    (search[mistake.at].to_owned(), mistake.words)
}

#[test]
fn words_are_text_and_pairs_are_tags() {
    assert_eq!(read(""), Expr::All(vec![]));
    assert_eq!(read("boom"), text("boom"));
    assert_eq!(read("  card  \"is declined\" "), Expr::All(vec![text("card"), text("is declined")]));
    assert_eq!(read("browser:Chrome"), pair("browser", "Chrome", Some("browser:Chrome")));
    assert_eq!(read("user.email:\"a b@c\""), pair("user.email", "a b@c", None));
    assert_eq!(read("!plan:free boom"), Expr::All(vec![not(pair("plan", "free", Some("plan:free"))), text("boom")]));
    assert_eq!(read("!boom"), not(text("boom")));
    for plain in ["std::io", "http://x/y", "KeyError:", ":y", "main()", "C:\\x", "!", "a:b:"] {
        let found = read(plain);
        let is_text = matches!(&found, Expr::Is(Term::Text(text)) if text.text == plain);
        let is_pair = matches!(&found, Expr::Is(Term::Pair { typed: Some(typed), .. }) if typed == plain);
        assert!(is_text || is_pair, "{plain}: {found:?}");
    }
}

#[test]
fn terms_bind_closer_than_or_and_brackets_closer_than_all() {
    let (a, b, c) = (|| text("a"), || text("b"), || text("c"));
    assert_eq!(read("a b OR c"), Expr::Any(vec![Expr::All(vec![a(), b()]), c()]));
    assert_eq!(read("a (b OR c)"), Expr::All(vec![a(), Expr::Any(vec![b(), c()])]));
    assert_eq!(read("a AND b"), Expr::All(vec![a(), b()]));
    assert_eq!(read("\"OR\" or"), Expr::All(vec![text("OR"), text("or")]));
}

#[test]
fn known_names_mean_what_they_mean_in_sentry() {
    let pattern = |text: &str| Text { text: text.to_owned(), is_pattern: true };
    assert_eq!(read("level:ERROR"), Expr::Is(Term::Level("error")));
    assert_eq!(read("release:1.4.*"), Expr::Is(Term::Release(pattern("1.4.*"))));
    assert_eq!(read("times-seen:>100"), Expr::Is(Term::TimesSeen(Count { least: 101, most: i64::MAX })));
    assert_eq!(read("timesSeen:<=5"), Expr::Is(Term::TimesSeen(Count { least: i64::MIN, most: 5 })));
    assert_eq!(read("users:7"), Expr::Is(Term::Users(Count { least: 7, most: 7 })));
    assert_eq!(read("has:plan"), Expr::Is(Term::Has("plan".to_owned())));
    assert_eq!(read("is:spiking"), Expr::Is(Term::Spiking));
    let span = |from: Option<&str>, until: Option<&str>| {
        let at = |text: &str| format!("{text}:00Z").parse().unwrap();
        Span { from: from.map(at), until: until.map(at) }
    };
    for (typed, meant) in [
        ("-24h", span(Some("2026-11-23T14:33"), None)),
        ("+2w", span(None, Some("2026-11-10T14:33"))),
        ("2026-11-20", span(Some("2026-11-20T00:00"), Some("2026-11-21T00:00"))),
        (">2026-11-20", span(Some("2026-11-21T00:00"), None)),
        ("<2026-11-20T10:30", span(None, Some("2026-11-20T10:30"))),
    ] {
        assert_eq!(read(&format!("first-seen:{typed}")), Expr::Is(Term::FirstSeen(meant)), "{typed}");
        assert_eq!(read(&format!("lastSeen:{typed}")), Expr::Is(Term::LastSeen(meant)), "{typed}");
    }
}

#[test]
fn a_status_chooses_the_tab() {
    let parsed = parse("is:resolved boom", now()).unwrap();
    assert_eq!((parsed.status, parsed.expr), (Some(Status::Resolved), text("boom")));
    assert_eq!(parse("is:unresolved", now()).unwrap().status, Some(Status::Open));
    assert_eq!(read("is:open"), Expr::All(vec![]));
    for search in ["is:resolved OR boom", "boom OR is:ignored", "!is:resolved", "is:open is:ignored", "(is:open OR a) b"] {
        assert!(wrong(search).1.contains("tab"), "{search}");
    }
}

#[test]
fn mistakes_point_at_their_characters() {
    for (search, at, words) in [
        ("boom \"not closed", "\"not closed", "not closed"),
        ("a (b OR c", "(b OR c", "bracket is not closed"),
        ("a) b", ")", "No bracket is open"),
        ("OR a", "OR", "before OR"),
        ("a OR", "OR", "follow OR"),
        ("level:bad", "bad", "No level"),
        ("is:broken", "is:broken", "is: knows"),
        ("times-seen:>many", ">many", "“many” is no number"),
        ("times-seen:<>5", "<>5", "compares in no way"),
        ("first-seen:yesterday", "yesterday", "is no time"),
        ("last-seen:-2y", "-2y", "is no time"),
        ("last-seen:-", "-", "is no time"),
        ("browser:Chr*", "Chr*", "whole values"),
    ] {
        let (place, said) = wrong(search);
        assert_eq!(place, at, "{search}");
        assert!(said.contains(words), "{search}: {said}");
    }
    assert!(wrong(&"(".repeat(30)).1.contains("brackets in each other"));
    assert!(wrong(&"a ".repeat(100)).1.contains("too much"));
}

proptest::proptest! {
    #[test]
    fn anything_is_understood_or_a_mistake_within_the_text(search in "([a-z:!()\"*<>=\u{e9} ]|OR|is:open|level:|last-seen:-1d){0,12}") {
        if let Err(mistake) = parse(&search, now()) {
            proptest::prop_assert!(search.get(mistake.at.clone()).is_some(), "{:?}", mistake);
        }
    }
}
