//! A small program with an unmodified `sentry` crate. DSN, release and environment come from the SDK's own variables.
//!
//! usage: shop unhandled|story

use std::error::Error;
use std::fmt;
use std::time::Duration;

use sentry::protocol::{Attachment, Breadcrumb, Context, EnvelopeItem, Map, MonitorCheckIn, MonitorCheckInStatus, User};
use sentry::{ClientOptions, Hub, Level};

/// What went wrong in the shop.
#[derive(Debug)]
enum ShopError {
    OutOfStock(NotOnTheShelf),
    NoPaint(&'static str),
    NotPrinted,
}

#[derive(Debug)]
struct NotOnTheShelf;

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfStock(_) => f.write_str("the kettle is not in stock"),
            Self::NoPaint(colour) => write!(f, "no {colour} paint is left"),
            Self::NotPrinted => f.write_str("the invoice was not printed"),
        }
    }
}

impl fmt::Display for NotOnTheShelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shelf is empty")
    }
}

impl Error for NotOnTheShelf {}

impl Error for ShopError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::OutOfStock(cause) => Some(cause),
            _ => None,
        }
    }
}

#[inline(never)]
fn charge(amount: u32, currency: &str) {
    panic!("card processor answered 503 to {amount} {currency}");
}

#[inline(never)]
fn check_out(cart: &[(&str, u32)]) {
    let total = cart.iter().map(|(_, price)| price).sum();
    sentry::add_breadcrumb(crumb("cart", "cart was validated"));
    charge(total, "EUR");
}

fn crumb(category: &str, message: &str) -> Breadcrumb {
    Breadcrumb { category: Some(category.into()), message: Some(message.into()), ..Breadcrumb::default() }
}

fn chained() {
    sentry::with_scope(
        |scope| {
            scope.set_user(Some(User {
                id: Some("u-77".into()),
                email: Some("ana@example.test".into()),
                username: Some("ana".into()),
                ..User::default()
            }));
            scope.set_tag("shop.region", "alps");
            let cart = Map::from([("lines".to_owned(), 2.into()), ("coupon".to_owned(), "SPRING".into())]);
            scope.set_context("cart", Context::Other(cart));
        },
        || {
            sentry::add_breadcrumb(crumb("auth", "ana signed in"));
            sentry::capture_error(&ShopError::OutOfStock(NotOnTheShelf));
        },
    );
}

fn grouped() {
    for colour in ["red", "blue"] {
        sentry::with_scope(|scope| scope.set_fingerprint(Some(&["paint", "used up"])), || sentry::capture_error(&ShopError::NoPaint(colour)));
    }
}

fn attached() {
    let invoice = Attachment {
        buffer: b"teapot 40 EUR\n".to_vec(),
        filename: "invoice.txt".to_owned(),
        content_type: Some("text/plain".to_owned()),
        ty: None,
    };
    sentry::with_scope(|scope| scope.add_attachment(invoice), || sentry::capture_error(&ShopError::NotPrinted));
}

fn nightly() {
    let transaction = sentry::start_transaction(sentry::TransactionContext::new("nightly report", "task"));
    transaction.start_child("db", "select the orders").finish();
    transaction.finish();
}

fn session() {
    sentry::start_session();
    sentry::end_session();
}

fn check_in() {
    let check_in = MonitorCheckIn {
        check_in_id: sentry::types::random_uuid(),
        monitor_slug: "nightly-report".to_owned(),
        status: MonitorCheckInStatus::Ok,
        environment: None,
        duration: Some(3.0),
        monitor_config: None,
    };
    if let Some(client) = Hub::current().client() {
        client.send_envelope(EnvelopeItem::from(check_in).into());
    }
}

fn log() {
    sentry::logger_warn!(hours = 14, "the till is open since {} hours", 14);
}

fn flush() {
    if let Some(client) = Hub::current().client() {
        client.flush(Some(Duration::from_secs(10)));
    }
}

fn story() {
    sentry::capture_message("the price list is older than a day", Level::Warning);
    chained();
    grouped();
    attached();
    // Twice: the second time the server has answered, and the SDK knows what it keeps.
    for _ in 0..2 {
        nightly();
        session();
        check_in();
        log();
        flush();
    }
    // Reports of what was dropped ride on the next envelope.
    sentry::capture_message("the shop is closed", Level::Info);
    flush();
}

fn main() {
    let _guard = sentry::init(ClientOptions::new().traces_sample_rate(1.0));
    match std::env::args().nth(1).as_deref() {
        Some("unhandled") => check_out(&[("teapot", 40), ("milk", 2)]),
        _ => story(),
    }
}
