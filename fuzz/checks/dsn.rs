//! A DSN, as SDKs put it into envelope headers and people type it: what is printed is what was read, without its secret.

use url::Url;
use vedette::protocol::auth::from_dsn;
use vedette::protocol::{Dsn, DsnId, PublicKey};

/// One text as a DSN.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(id) = text.parse::<DsnId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    if let Ok(key) = text.parse::<PublicKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    let parsed = text.parse::<Dsn>();
    let credentials = from_dsn(Some(text));
    assert_eq!(credentials.is_ok(), parsed.is_ok(), "credentials are inside what is a DSN");
    let (Ok(dsn), Ok(credentials)) = (parsed, credentials) else { return };
    assert_eq!((credentials.key, credentials.project), (dsn.key(), Some(dsn.project())));
    let printed = dsn.to_string();
    assert_eq!(printed.parse().as_ref(), Ok(&dsn));
    let url = Url::parse(&printed).expect("a DSN is a URL");
    assert_eq!((url.username(), url.password()), (&*dsn.key().to_string(), None), "the secret is forgotten");
    let endpoint = Url::parse(&dsn.endpoint("envelope")).expect("an endpoint is a URL");
    assert_eq!((endpoint.host_str(), endpoint.port()), (url.host_str(), url.port()), "it is sent where the DSN says");
    assert!(endpoint.path().ends_with(&format!("/api/{}/envelope/", dsn.project())) && endpoint.query().is_none(), "{endpoint}");
    assert!(Url::parse(&dsn.error_page()).is_ok_and(|page| page.host_str() == url.host_str()));
    let base = endpoint.join("../../../").expect("what stands before /api");
    assert_eq!(Dsn::new(&base, dsn.key(), dsn.project()), Ok(dsn));
}
