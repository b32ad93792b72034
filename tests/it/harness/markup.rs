//! Reads HTML as strictly as our templates write it: every element closed in its order, every attribute quoted, nothing that runs.

/// An element's start.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

const VOID: [&str; 9] = ["meta", "link", "img", "input", "br", "hr", "col", "source", "wbr"];
/// Attributes that lead somewhere.
const ADDRESSES: [&str; 5] = ["href", "src", "action", "formaction", "srcdoc"];

/// The tags of a document; what is wrong with it.
pub(crate) fn read(html: &str) -> Result<Vec<Tag>, String> {
    let (mut tags, mut open, mut rest) = (Vec::new(), Vec::<String>::new(), html);
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").ok_or("a comment has no end")?.1;
            continue;
        }
        if after.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("!doctype")) {
            rest = after.split_once('>').ok_or("the doctype has no end")?.1;
            continue;
        }
        if let Some(closing) = after.strip_prefix('/') {
            let (name, after) = closing.split_once('>').ok_or("a closing tag has no end")?;
            let opened = open.pop();
            if opened.as_deref() != Some(name) {
                return Err(format!("</{name}> closes {opened:?}"));
            }
            rest = after;
            continue;
        }
        let (tag, is_closed, after) = start(after)?;
        if !is_closed && !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        tags.push(tag);
        rest = after;
    }
    if open.is_empty() { Ok(tags) } else { Err(format!("never closed: {open:?}")) }
}

/// A start tag after its `<`: the tag, whether it closes itself, what follows.
fn start(text: &str) -> Result<(Tag, bool, &str), String> {
    let shown = || text.chars().take(60).collect::<String>();
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').ok_or_else(shown)?;
    let (name, mut rest) = text.split_at(end);
    if name.is_empty() {
        return Err(format!("`<` before {:?}", shown()));
    }
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("/>") {
            return Ok((Tag { name: name.to_owned(), attributes }, true, after));
        }
        if let Some(after) = rest.strip_prefix('>') {
            return Ok((Tag { name: name.to_owned(), attributes }, false, after));
        }
        let end = rest.find(|c: char| c.is_whitespace() || "=/>\"'<".contains(c)).ok_or_else(shown)?;
        if end == 0 {
            return Err(format!("<{name} has {:?}", rest.chars().take(40).collect::<String>()));
        }
        let (attribute, after) = rest.split_at(end);
        match after.strip_prefix("=\"") {
            Some(value) => {
                let (value, after) = value.split_once('"').ok_or_else(shown)?;
                attributes.push((attribute.to_owned(), value.to_owned()));
                rest = after;
            }
            None if after.starts_with('=') => return Err(format!("{attribute} of <{name}> is not quoted")),
            None => {
                attributes.push((attribute.to_owned(), String::new()));
                rest = after;
            }
        }
    }
}

/// Nothing in it runs, is styled in place, or comes from elsewhere.
pub(crate) fn assert_inert(html: &str, what: &str) -> Vec<Tag> {
    let tags = read(html).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
    for tag in &tags {
        for (name, value) in &tag.attributes {
            assert!(!name.starts_with("on") && name != "style", "{what}: <{} {name}={value:?}>", tag.name);
            let scheme = value.trim_start().to_ascii_lowercase();
            let leads = ADDRESSES.contains(&name.as_str());
            assert!(!(leads && ["javascript:", "data:", "vbscript:"].iter().any(|bad| scheme.starts_with(bad))), "{what}: {tag:?}");
        }
        match tag.name.as_str() {
            "script" => assert!(tag.get("src").is_some_and(|src| src.starts_with("/static/")), "{what}: {tag:?}"),
            // Our own icon, and pictures that came with events and feedback.
            "img" => {
                let ours = |src: &str| ["/static/", "/issues/", "/projects/"].iter().any(|own| src.starts_with(own));
                assert!(tag.get("src").is_some_and(ours), "{what}: {tag:?}");
            }
            "style" | "object" | "embed" | "base" => panic!("{what}: {tag:?}"),
            _ => {}
        }
    }
    tags
}

/// A whole page: inert, one heading, a title, a language.
pub(crate) fn assert_page(html: &str, what: &str) {
    let tags = assert_inert(html, what);
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
    assert_eq!((count("h1"), count("head"), count("main")), (1, 1, 1), "{what}: headings, heads, main parts");
    assert!(tags.iter().any(|tag| tag.name == "html" && tag.get("lang") == Some("en")), "{what}: the language");
    let title = html.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map_or("", |(title, _)| title);
    assert!(title.trim().len() > "· Vedette".len(), "{what}: the title is {title:?}");
    let mut ids: Vec<_> = tags.iter().filter_map(|tag| tag.get("id")).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{what}: an id stands twice");
}
