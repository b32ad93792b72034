//! Outcomes: an item ends once, and what is stored is read again.

use super::*;

const SHOP: Source = Source { project_id: 1, key_id: 2, received: 3 };

fn item(ledger: &Ledger) -> Managed<&'static str> {
    Managed::new("boom", SHOP, vec![(Category::Error, 1)], ledger)
}

fn ends(ledger: &Ledger) -> Vec<(Category, &'static str, String, u64)> {
    ledger.take().into_iter().map(|e| (e.category, e.outcome.name(), e.outcome.reason().into_owned(), e.quantity)).collect()
}

#[test]
fn a_stored_item_is_counted_once() {
    let ledger = Ledger::default();
    assert_eq!(item(&ledger).map(str::len).stored(), Some(4));
    assert_eq!(ends(&ledger), [(Category::Error, "stored", String::new(), 1)]);
    assert_eq!(ledger.forgotten(), 0);
}

#[test]
fn a_rejected_item_keeps_its_reason() {
    let ledger = Ledger::default();
    let attachment = Managed::new((), SHOP, vec![(Category::Attachment, 500), (Category::AttachmentItem, 1)], &ledger);
    attachment.rejected(&Outcome::Invalid(InvalidReason::TooLarge("attachment")));
    item(&ledger).rejected(&Outcome::Filtered("localhost".into()));
    assert_eq!(
        ends(&ledger),
        [
            (Category::Attachment, "invalid", "too_large:attachment".to_owned(), 500),
            (Category::AttachmentItem, "invalid", "too_large:attachment".to_owned(), 1),
            (Category::Error, "filtered", "localhost".to_owned(), 1),
        ]
    );
    assert_eq!(ledger.forgotten(), 0);
}

#[test]
fn a_forgotten_item_is_counted_as_internal() {
    let ledger = Ledger::default();
    drop(item(&ledger));
    assert_eq!(ends(&ledger), [(Category::Error, "invalid", "internal".to_owned(), 1)]);
    assert_eq!(ledger.forgotten(), 1);
}

#[test]
fn outcomes_are_read_from_what_is_stored() {
    let reasons = PLAIN_REASONS.into_iter().chain([InvalidReason::TooLarge("event"), InvalidReason::TooLarge("envelope")]);
    let others =
        [Outcome::Stored, Outcome::Duplicate, Outcome::Filtered("x".into()), Outcome::RateLimited("y".into()), Outcome::Unsupported];
    for outcome in reasons.map(Outcome::Invalid).chain(others).chain([Outcome::Discarded("z".to_owned())]) {
        assert_eq!(Outcome::from_parts(outcome.name(), &outcome.reason()), Some(outcome));
    }
    assert_eq!(Outcome::from_parts("other", ""), None);
}

#[test]
fn a_panic_on_the_way_is_a_forgotten_item() {
    let ledger = Ledger::default();
    let managed = item(&ledger);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| managed.map(|_| panic!("parser defect")).stored()));
    assert!(result.is_err());
    assert_eq!(ends(&ledger), [(Category::Error, "invalid", "internal".to_owned(), 1)]);
    assert_eq!(ledger.forgotten(), 1);
}

#[test]
fn an_item_that_is_part_of_another_ends_with_it() {
    let ledger = Ledger::default();
    let mut event = item(&ledger);
    assert_eq!(event.absorb(Managed::new("file", SHOP, vec![(Category::Attachment, 5)], &ledger)), Some("file"));
    event.rejected(&Outcome::Duplicate);
    assert_eq!(ends(&ledger), [(Category::Error, "duplicate", String::new(), 1), (Category::Attachment, "duplicate", String::new(), 5)]);
    assert_eq!(ledger.forgotten(), 0);
}
