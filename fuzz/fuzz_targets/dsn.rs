//! A DSN, as SDKs put it into envelope headers and people type it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vedette::protocol::Dsn;
use vedette::protocol::auth::from_dsn;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parsed = text.parse::<Dsn>();
    assert_eq!(from_dsn(Some(text)).is_ok(), parsed.is_ok(), "credentials are inside what is a DSN");
    if let Ok(dsn) = parsed {
        assert_eq!(dsn.to_string().parse(), Ok(dsn));
    }
});
