//! # Where a project's source can be read
//! **Promise.** A frame leads to its line in the repository that an administrator named, and nowhere else: what an event says fills in path,
//! release and line, percent-encoded, behind a host that is fixed. **How.** [`SourceLink::parse`] checks a template once, [`SourceLink::href`]
//! fills it in. **When it breaks.** A frame that lacks what the template asks for has no link.

use serde::{Deserialize, Serialize};

/// Characters of a template, and of what is cut from paths.
pub const MAX_TEMPLATE: usize = 500;
const PARTS: [&str; 4] = ["path", "line", "release", "version"];

/// The template, and the beginning of paths that the repository does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceLink {
    /// `https://github.com/acme/shop/blob/{release}/{path}#L{line}`; empty: no links.
    pub template: String,
    /// "/srv/shop/"; may be empty.
    pub cut: String,
}

/// What is known of a frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'a> {
    /// A file as it was sent: relative, absolute, or an address.
    pub path: &'a str,
    /// Its line.
    pub line: Option<u64>,
    /// The event's release; may be empty.
    pub release: &'a str,
}

impl SourceLink {
    /// The checked template; what is wrong with it in a sentence.
    pub fn parse(template: &str, cut: &str) -> Result<Self, String> {
        let (template, cut) = (template.trim(), cut.trim());
        let longest = template.chars().count().max(cut.chars().count());
        if longest > MAX_TEMPLATE {
            return Err(format!("It has up to {MAX_TEMPLATE} characters; this has {longest}."));
        }
        if template.is_empty() {
            return Ok(Self { template: String::new(), cut: cut.to_owned() });
        }
        let scheme = template.split_once("://").map(|(scheme, rest)| (scheme, rest.split(['/', '?', '#']).next().unwrap_or_default()));
        match scheme {
            Some(("https" | "http", host)) if host.contains(['{', '}']) => {
                return Err("The host must be written out: {path} and the others may stand only after it.".to_owned());
            }
            Some(("https" | "http", "")) => return Err("It names no host.".to_owned()),
            Some(("https" | "http", host)) if host.contains('@') => {
                return Err("A name or password has no place in a link that everybody sees.".to_owned());
            }
            Some(("https" | "http", _)) => {}
            _ => return Err("It must begin with https:// or http://.".to_owned()),
        }
        let mut rest = template;
        while let Some((_, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { return Err("A { has no }.".to_owned()) };
            if !PARTS.contains(&name) {
                let name: String = name.chars().take(40).collect();
                return Err(format!("{{{name}}} is not known. There are {{path}}, {{line}}, {{release}} and {{version}}."));
            }
            rest = after;
        }
        if !template.contains("{path}") {
            return Err("{path} is missing: every frame would lead to the same page.".to_owned());
        }
        let link = Self { template: template.to_owned(), cut: cut.to_owned() };
        let example = link.filled("src/app.py", "1", "1.0", "1.0");
        if crate::web::urls::safe_href(&example).is_none() {
            return Err("Filled in, this is no address of the web.".to_owned());
        }
        Ok(link)
    }

    /// The frame's address; nothing where the template asks for what is not known.
    pub fn href(&self, place: Place<'_>) -> Option<String> {
        if self.template.is_empty() {
            return None;
        }
        let path = self.path(place.path)?;
        let line = place.line.map(|line| line.to_string()).unwrap_or_default();
        let version = place.release.rsplit('@').next().unwrap_or_default();
        let is_missing = |name: &str, value: &str| value.is_empty() && self.template.contains(name);
        if is_missing("{line}", &line) || is_missing("{release}", place.release) || is_missing("{version}", version) {
            return None;
        }
        // A release of dots alone would be a step up.
        if [place.release, version].iter().any(|part| matches!(*part, "." | "..")) {
            return None;
        }
        crate::web::urls::safe_href(&self.filled(&path, &line, place.release, version))
    }

    fn filled(&self, path: &str, line: &str, release: &str, version: &str) -> String {
        let path: Vec<String> = path.split('/').map(encoded).collect();
        let (mut out, mut rest) = (String::new(), self.template.as_str());
        // In one pass: what is filled in is not looked at again.
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            out.push_str(before);
            match name {
                "path" => out.push_str(&path.join("/")),
                "line" => out.push_str(line),
                "release" => out.push_str(&encoded(release)),
                _ => out.push_str(&encoded(version)),
            }
            rest = after;
        }
        out + rest
    }

    /// The path within the repository: without what is cut, a scheme and host, and `./`. Nothing for a path with steps up.
    fn path(&self, sent: &str) -> Option<String> {
        let sent = sent.replace('\\', "/");
        let cut = self.cut.replace('\\', "/");
        let path = match sent.strip_prefix(&cut).filter(|_| !cut.is_empty()) {
            Some(rest) => rest,
            None => match sent.split_once("://") {
                Some(("http" | "https", rest)) => rest.split_once('/')?.1,
                // webpack:///./src/a.ts, app:///src/a.js
                Some((_, rest)) => rest,
                None => &sent,
            },
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
        (!steps.is_empty() && !steps.contains(&"..") && !path.starts_with('<')).then(|| steps.join("/"))
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GITHUB: &str = "https://github.com/acme/shop/blob/{release}/{path}#L{line}";

    #[test]
    fn templates_are_addresses_of_the_web_with_a_path() {
        assert_eq!(
            SourceLink::parse(&format!(" {GITHUB} "), " /srv/ ").unwrap(),
            SourceLink { template: GITHUB.to_owned(), cut: "/srv/".to_owned() }
        );
        assert_eq!(SourceLink::parse("", "").unwrap(), SourceLink::default());
        for (template, why) in [
            ("javascript:alert('{path}')", "It must begin with https:// or http://."),
            ("//host/{path}", "It must begin with https:// or http://."),
            ("ssh://host/{path}", "It must begin with https:// or http://."),
            ("https://{path}", "The host must be written out"),
            ("https://{release}.example/{path}", "The host must be written out"),
            ("https://ana:secret@git.example/{path}", "A name or password"),
            ("https://git.example/{file}", "{file} is not known. There are {path}, {line}, {release} and {version}."),
            ("https://git.example/{path", "A { has no }."),
            ("https://git.example/", "{path} is missing"),
            ("https:///{path}", "It names no host."),
            ("https://git.example/a b/{path}", "Filled in"),
        ] {
            let told = SourceLink::parse(template, "").unwrap_err();
            assert!(told.starts_with(why), "{template}: {told}");
        }
        assert!(
            SourceLink::parse(&format!("https://git.example/{{path}}{}", "x".repeat(500)), "")
                .unwrap_err()
                .contains("up to 500 characters")
        );
    }

    #[test]
    fn frames_lead_to_their_line_and_never_out_of_the_repository() {
        let link = SourceLink::parse(GITHUB, "/srv/shop/").unwrap();
        let href = |path: &str, release: &str| link.href(Place { path, line: Some(87), release });
        let to = |rest: &str| Some(format!("https://github.com/acme/shop/blob/{rest}"));
        for (path, release, expected) in [
            ("checkout/payment.py", "1.4.2", to("1.4.2/checkout/payment.py#L87")),
            ("/srv/shop/checkout/a b.py", "shop@1.4", to("shop%401.4/checkout/a%20b.py#L87")),
            ("./src/a.ts", "1", to("1/src/a.ts#L87")),
            ("webpack:///./src/a.ts?3f2a", "1", to("1/src/a.ts#L87")),
            ("https://shop.example/static/app.js", "1", to("1/static/app.js#L87")),
            (r"src\a.cs", "1", to("1/src/a.cs#L87")),
            ("a/%2e%2e/b", "1", to("1/a/%252e%252e/b#L87")),
            ("{release}/{line}", "1", to("1/%7Brelease%7D/%7Bline%7D#L87")),
            ("../../evil/repo", "1", None),
            ("a/../../../evil", "1", None),
            (r"..\..\evil", "1", None),
            ("a.py", "..", None),
            ("a.py", "", None),
            ("<anonymous>", "1", None),
            ("", "1", None),
        ] {
            assert_eq!(href(path, release), expected, "{path} {release}");
        }
        assert_eq!(link.href(Place { path: "a.py", line: None, release: "1" }), None);
        let version = SourceLink::parse("https://git.example/v{version}/{path}", "").unwrap();
        assert_eq!(version.href(Place { path: "a.py", line: None, release: "shop@1.4" }).as_deref(), Some("https://git.example/v1.4/a.py"));
        assert_eq!(SourceLink::default().href(Place { path: "a.py", line: Some(1), release: "1" }), None);
    }
}
