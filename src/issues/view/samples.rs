//! Nine made-up issues, as in the picture of the list.

use super::IssueRow;
use crate::web::{Badge, When, chart::Bars, page::sample_now, urls};
use chrono::Duration;

/// Title, culprit, short id and release, level; events, users; minutes since last and first; counts of the last hours.
type Made = ([&'static str; 6], [i64; 4], &'static [i64]);

const MADE: [Made; 9] = [
    (
        [
            "PaymentDeclined",
            "card processor answered 503 for merchant <int>",
            "checkout.payment in charge_card",
            "SHOP-1842",
            "1.4.2",
            "error",
        ],
        [2318, 418, 2, 4400],
        &[710, 740, 690],
    ),
    (
        [
            "NullPointerException",
            "Cannot invoke \"Order.getItems()\" because \"order\" is null",
            "com.acme.cart.CartService in merge",
            "SHOP-1790",
            "1.4.2",
            "fatal",
        ],
        [212, 173, 6, 59_040],
        &[9, 11, 8],
    ),
    (
        [
            "TypeError",
            "Cannot read properties of undefined (reading 'total')",
            "app/cart/summary.tsx in CartSummary",
            "SHOP-1851",
            "web 2.9.0",
            "error",
        ],
        [17, 14, 11, 26],
        &[7, 10],
    ),
    (
        [
            "OperationalError",
            "could not connect to server: Connection refused",
            "django.db.backends in connect",
            "SHOP-977",
            "1.4.2",
            "error",
        ],
        [12_340, 0, 14, 302_400],
        &[31, 24, 22],
    ),
    (
        ["Slow checkout", "took <float> s, budget <int> s", "checkout.views in submit", "SHOP-1602", "1.4.1", "warning"],
        [3904, 2866, 22, 129_600],
        &[12, 9, 11],
    ),
    (["KeyError", "'shipping_zone'", "shipping.rates in quote", "SHOP-1833", "1.4.1", "error"], [86, 61, 70, 7200], &[4, 3, 4]),
    (
        ["reqwest::Error", "operation timed out", "sync_worker::push in send_batch", "SHOP-1544", "worker 0.8.3", "error"],
        [1207, 0, 125, 216_000],
        &[18, 9, 12],
    ),
    (
        ["Blocked 'script' from 'cdn.tracker.example'", "", "Content-Security-Policy: script-src", "SHOP-1711", "web 2.9.0", "info"],
        [640, 588, 190, 87_000],
        &[6, 5, 6],
    ),
    (
        ["RuntimeError", "dictionary changed size during iteration", "pricing.cache in refresh", "SHOP-1820", "1.4.0", "error"],
        [31, 9, 310, 13_000],
        &[1, 2, 1],
    ),
];

pub(super) fn rows() -> Vec<IssueRow> {
    MADE.iter().enumerate().map(|(index, made)| row(index, made)).collect()
}

fn row(index: usize, ([kind, message, culprit, short_id, release, level], [events, users, last, first], newest): &Made) -> IssueRow {
    let now = sample_now();
    let steady = if index == 2 { 0 } else { newest[0].min(40) };
    let mut counts: Vec<i64> = (0..24).map(|hour| steady * (60 + (hour * 37 + index as i64 * 13) % 50) / 100).collect();
    let from = counts.len() - newest.len();
    counts[from..].copy_from_slice(newest);
    if index == 0 {
        counts[..from].iter_mut().for_each(|n| *n += 30);
    }
    let badges = match index {
        1 => vec![Badge::new("regressed in 1.4.2", "regressed")],
        2 => vec![Badge::new("new", "new")],
        _ => vec![],
    };
    IssueRow {
        id: (index + 1).to_string(),
        href: urls::issue(index + 1),
        kind: (*kind).to_owned(),
        message: (*message).to_owned(),
        level: (*level).to_owned(),
        badges,
        culprit: (*culprit).to_owned(),
        short_id: (*short_id).to_owned(),
        release: (*release).to_owned(),
        bars: Bars::new(&counts, 32, "24 hours", |hour| format!("{} h ago", 23 - hour)),
        events: *events,
        users: *users,
        last_seen: When::new(now - Duration::minutes(*last), now),
        first_seen: When::new(now - Duration::minutes(*first), now),
        ..IssueRow::default()
    }
}
