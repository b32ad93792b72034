//! # Where an address is
//!
//! **Promise.** [`GeoIp::place`] gives what Relay keeps of a MaxMind City or Country database for an address (`protocol.md` 8.11): `country_code`,
//! `city`, `subdivision` and `region`, in English, as far as the database knows.
//!
//! **How.** The database is held in memory (a GeoLite2 City file: about 60 MB), so that a file that is replaced or cut beside the running server
//! harms nobody.
//!
//! **When it breaks.** What is no such database is refused when it is opened; a damaged entry of one is nowhere.
//!
//! **Not here.** Which address is asked about (`user`), the file and its renewal (`digest`).

use std::net::IpAddr;

use maxminddb::{Reader, geoip2};
use serde_json::{Map, Value};

/// A database of places.
#[derive(Debug)]
pub struct GeoIp(Reader<Vec<u8>>);

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NoPlaces {
    /// Not the format.
    #[error("it is no MaxMind database (.mmdb): {0}")]
    Unreadable(#[source] maxminddb::MaxMindDbError),
    /// The format, with other contents.
    #[error("it is a `{0}` database: give a City or a Country database, such as GeoLite2-City.mmdb")]
    OtherKind(String),
}

impl GeoIp {
    /// Opens the contents of a file.
    pub fn open(file: Vec<u8>) -> Result<Self, NoPlaces> {
        let reader = Reader::from_source(file).map_err(NoPlaces::Unreadable)?;
        let kind = &reader.metadata().database_type;
        // Other makers than MaxMind name theirs `…-City` or `…-Country` too (DBIP-City-Lite).
        if !["City", "Country", "Enterprise"].iter().any(|known| kind.contains(known)) {
            return Err(NoPlaces::OtherKind(kind.clone()));
        }
        Ok(Self(reader))
    }

    /// The `geo` of a user at this address; nothing where nothing is known.
    pub(super) fn place(&self, ip: IpAddr) -> Option<Map<String, Value>> {
        // A Country database has the same shape, with less in it.
        let found: geoip2::City<'_> = self.0.lookup(ip).ok()?.decode().ok()??;
        let parts = [
            ("country_code", found.country.iso_code),
            ("city", found.city.names.english),
            ("subdivision", found.subdivisions.first().and_then(|part| part.names.english)),
            ("region", found.country.names.english),
        ];
        let place: Map<String, Value> = parts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), Value::from(text?)))).collect();
        Some(place).filter(|place| !place.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, Utc};
    use serde_json::{Value, json};

    use super::{GeoIp, NoPlaces};
    use crate::event::{NormaliseParams, normalise};

    const PLACES: &[u8] = include_bytes!("../../tests/fixtures/places.mmdb");

    fn places() -> Arc<GeoIp> {
        Arc::new(GeoIp::open(PLACES.to_vec()).unwrap())
    }

    fn user_of(event: Value, client_ip: &str, store_ips: bool) -> Value {
        let client_ip = client_ip.parse().ok();
        let params = NormaliseParams { client_ip, store_ips, places: Some(places()), ..NormaliseParams::new(DateTime::<Utc>::UNIX_EPOCH) };
        normalise(event, &params).unwrap()["user"].take()
    }

    fn geo_of(event: Value, client_ip: &str) -> Value {
        user_of(event, client_ip, true)["geo"].take()
    }

    #[test]
    fn an_address_has_a_place_in_english() {
        let vienna = json!({"country_code": "AT", "city": "Vienna", "subdivision": "Vienna", "region": "Austria"});
        assert_eq!(geo_of(json!({"user": {"ip_address": "203.0.113.9"}}), ""), vienna);
        let croatia = json!({"country_code": "HR", "region": "Croatia"});
        assert_eq!(geo_of(json!({"user": {"ip_address": "203.0.113.200"}}), ""), croatia);
        let wellington = json!({"country_code": "NZ", "city": "Wellington", "region": "New Zealand"});
        assert_eq!(geo_of(json!({"user": {"ip_address": "2001:db8::5"}}), ""), wellington);
    }

    #[test]
    fn what_is_unknown_or_has_no_english_name_leaves_no_trace() {
        assert_eq!(user_of(json!({"user": {"ip_address": "192.0.2.1"}}), "", true)["geo"], Value::Null);
        assert_eq!(user_of(json!({"user": {"ip_address": "198.51.100.7"}}), "", true).get("geo"), None);
        assert_eq!(user_of(json!({"message": "x"}), "192.0.2.1", true), Value::Null, "no user is made for nothing");
    }

    #[test]
    fn the_users_address_comes_first_then_that_of_the_connection() {
        assert_eq!(geo_of(json!({"user": {"ip_address": "203.0.113.9"}}), "203.0.113.200")["country_code"], "AT");
        assert_eq!(geo_of(json!({"user": {"id": 7}}), "203.0.113.200")["country_code"], "HR");
        assert_eq!(geo_of(json!({"message": "x"}), "203.0.113.200")["country_code"], "HR");
        assert_eq!(geo_of(json!({"platform": "javascript"}), "203.0.113.9")["city"], "Vienna");
    }

    #[test]
    fn a_place_that_the_client_gave_stays() {
        let event = json!({"user": {"ip_address": "203.0.113.9", "geo": {"city": "Graz"}}});
        assert_eq!(geo_of(event, ""), json!({"city": "Graz"}));
    }

    #[test]
    fn who_wants_no_address_of_the_connection_gets_no_place_of_it() {
        let event = json!({"user": {"id": 7}});
        assert_eq!(user_of(event, "203.0.113.200", false).get("geo"), None, "the project stores none");
        let own = json!({"user": {"id": 7, "ip_address": "203.0.113.9"}});
        assert_eq!(user_of(own, "203.0.113.200", false)["geo"]["city"], "Vienna", "scrubbing takes the address, the place stays");
        let never = json!({"user": {"id": 7}, "sdk": {"settings": {"infer_ip": "never"}}});
        assert_eq!(user_of(never, "203.0.113.200", true).get("geo"), None, "the SDK says that none may be inferred");
    }

    #[test]
    fn other_files_are_refused_with_the_reason() {
        assert!(matches!(GeoIp::open(b"<html>sign in first</html>".to_vec()), Err(NoPlaces::Unreadable(_))));
        let asn = GeoIp::open(include_bytes!("../../tests/fixtures/asn.mmdb").to_vec()).unwrap_err();
        assert_eq!(asn.to_string(), "it is a `Vedette-Test-ASN` database: give a City or a Country database, such as GeoLite2-City.mmdb");
    }

    #[test]
    fn a_damaged_database_gives_no_place_and_no_panic() {
        for at in 0..PLACES.len() {
            let mut file = PLACES.to_vec();
            file[at] ^= 0x5a;
            if let Ok(places) = GeoIp::open(file) {
                for ip in ["203.0.113.9", "203.0.113.200", "2001:db8::5", "0.0.0.0"] {
                    let _ = places.place(ip.parse().unwrap());
                }
            }
        }
    }
}
