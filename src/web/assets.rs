//! # Static files
//! **Promise.** Style, script and icon are in the binary, are sent compressed, and may be kept by browsers for ever. **How.** The content's hash is part of the URL: new content, new URL.
//! **When it breaks.** An old hash (a page from before an upgrade) gets 404; the page's next load names the new one. **Not here.** User uploads; anything from another host.

use std::{io::Write, sync::LazyLock};

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};

use super::prefix;

/// One embedded file.
struct Asset {
    name: &'static str,
    kind: &'static str,
    plain: &'static [u8],
}

const FILES: [Asset; 4] = [
    Asset { name: "app.css", kind: "text/css; charset=utf-8", plain: include_bytes!("../../static/app.css") },
    Asset { name: "app.js", kind: "text/javascript; charset=utf-8", plain: include_bytes!("../../static/app.js") },
    Asset { name: "icon.svg", kind: "image/svg+xml", plain: include_bytes!("../../static/icon.svg") },
    Asset { name: "rules.js", kind: "text/javascript; charset=utf-8", plain: include_bytes!("../../static/rules.js") },
];

/// What is computed once per process: URLs and compressed forms.
struct Prepared {
    hash: String,
    url: String,
    gzip: Option<Vec<u8>>,
}

static PREPARED: LazyLock<[Prepared; 4]> = LazyLock::new(|| FILES.each_ref().map(prepare));

fn prepare(asset: &Asset) -> Prepared {
    let hash = hex::encode(&Sha256::digest(asset.plain)[..6]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing to memory cannot fail; were it to, the plain form is sent.
    let gzip = encoder.write_all(asset.plain).and_then(|()| encoder.finish()).ok();
    Prepared { url: format!("/static/{hash}/{}", asset.name), hash, gzip }
}

/// The style sheet's URL.
pub fn css() -> String {
    prefix::add(&PREPARED[0].url)
}

/// The script's URL.
pub fn js() -> String {
    prefix::add(&PREPARED[1].url)
}

/// The icon's URL.
pub fn icon() -> String {
    prefix::add(&PREPARED[2].url)
}

/// The URL of the script that completes names in grouping rules.
pub fn rules_js() -> String {
    prefix::add(&PREPARED[3].url)
}

/// `GET /static/{hash}/{name}`: the file, compressed when the browser takes gzip, to be kept for a year.
pub async fn serve(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let found = FILES.iter().zip(PREPARED.iter()).find(|(asset, prepared)| asset.name == name && prepared.hash == hash);
    let Some((asset, prepared)) = found else {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    };
    let caching = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "Accept-Encoding"),
    ];
    let takes_gzip = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).is_some_and(takes_gzip);
    match &prepared.gzip {
        Some(gzip) if takes_gzip => (caching, [(header::CONTENT_ENCODING, "gzip")], gzip.as_slice()).into_response(),
        _ => (caching, asset.plain).into_response(),
    }
}

/// Whether an `Accept-Encoding` names gzip and does not refuse it with `q=0`.
fn takes_gzip(accept: &str) -> bool {
    accept.split(',').any(|part| {
        let mut words = part.split(';').map(str::trim);
        let named = words.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        let refused = words.any(|w| w.strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty()));
        named && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_stay_within_forty_kilobytes() {
        let bytes: usize = FILES.iter().filter(|f| f.name != "icon.svg").map(|f| f.plain.len()).sum();
        assert!(bytes <= 40 * 1024, "{bytes} bytes of CSS and JS");
    }

    #[test]
    fn the_style_sheet_loads_nothing_from_elsewhere() {
        for file in &FILES {
            let text = std::str::from_utf8(file.plain).unwrap().replace("http://www.w3.org/2000/svg", "");
            for foreign in ["http:", "https:", "@import", "//cdn"] {
                assert!(!text.contains(foreign), "{} names {foreign}", file.name);
            }
        }
    }

    #[test]
    fn gzip_only_for_those_who_take_it() {
        for (accept, takes) in
            [("gzip, br", true), ("br, GZIP;q=0.5", true), ("gzip;q=0", false), ("gzip;q=0.000", false), ("identity", false), ("", false)]
        {
            assert_eq!(takes_gzip(accept), takes, "{accept}");
        }
    }

    #[tokio::test]
    async fn only_the_current_hash_is_served_and_for_ever() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, http::HeaderValue::from_static("gzip"));
        let hash = PREPARED[0].hash.clone();
        let response = serve(Path((hash, "app.css".to_owned())), headers.clone()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        assert!(response.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let old = serve(Path(("000000000000".to_owned(), "app.css".to_owned())), headers).await;
        assert_eq!(old.status(), StatusCode::NOT_FOUND);
    }
}
