//! What each vendor documents of the payloads that its webhooks take: required fields, kinds of elements, lengths. Lengths are counted in UTF-16 units, which
//! is the most that any of them can mean by "characters".

use serde_json::Value;

fn length(value: &Value) -> usize {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).encode_utf16().count()
}

#[track_caller]
fn text(value: &Value, max: usize) {
    let length = length(value);
    assert!((1..=max).contains(&length), "{length} of {max} characters: {value}");
}

#[track_caller]
fn list(value: &Value, max: usize) -> &Vec<Value> {
    let list = value.as_array().unwrap_or_else(|| panic!("no list: {value}"));
    assert!((1..=max).contains(&list.len()), "{} of {max} elements", list.len());
    list
}

#[track_caller]
fn address(value: &Value) {
    let url = value.as_str().unwrap_or_default();
    assert!(url.starts_with("https://errors.example/") && url.len() <= 3000 && !url.contains([' ', ')', '|', '>']), "{value}");
}

#[track_caller]
fn only(value: &Value, fields: &[&str]) {
    for name in value.as_object().unwrap().keys() {
        assert!(fields.contains(&name.as_str()), "{name} is no field of {value}");
    }
}

/// docs.slack.dev: incoming webhooks, Block Kit.
pub(super) fn slack(body: &Value) {
    only(body, &["text", "blocks", "unfurl_links", "unfurl_media"]);
    text(&body["text"], 4000);
    let preview = body["text"].as_str().unwrap();
    assert!(!preview.contains(['<', '>']), "escaped: {preview}");
    assert!(preview.match_indices('&').all(|(at, _)| ["&amp;", "&lt;", "&gt;"].iter().any(|entity| preview[at..].starts_with(entity))));
    // Messages of about 13,000 characters are refused (bolt-js issue 2509).
    assert!(body.to_string().encode_utf16().count() < 13_000);
    let plain = |value: &Value, max| {
        assert_eq!(value["type"], "plain_text", "nothing of strangers is mrkdwn: {value}");
        text(&value["text"], max);
    };
    for block in list(&body["blocks"], 50) {
        match block["type"].as_str().unwrap() {
            "header" => plain(&block["text"], 150),
            "section" => {
                assert!(block.get("text").is_some() || block.get("fields").is_some());
                block.get("text").inspect(|value| plain(value, 3000));
                for field in block.get("fields").map_or(&Vec::new(), |fields| list(fields, 10)) {
                    plain(field, 2000);
                }
            }
            "rich_text" => list(&block["elements"], 50).iter().for_each(rich_text),
            other => panic!("no block of ours: {other}"),
        }
    }
}

fn rich_text(element: &Value) {
    match element["type"].as_str().unwrap() {
        "rich_text_section" => {
            for part in list(&element["elements"], 50) {
                match part["type"].as_str().unwrap() {
                    "text" => text(&part["text"], 3000),
                    "link" => {
                        address(&part["url"]);
                        text(&part["text"], 75);
                    }
                    other => panic!("no element of ours: {other}"),
                }
            }
        }
        "rich_text_list" => {
            assert_eq!(element["style"], "bullet");
            list(&element["elements"], 50).iter().for_each(rich_text);
        }
        other => panic!("no element of ours: {other}"),
    }
}

/// Markdown in which everything outside of code spans and of links to ourselves is ours, and in which nobody is mentioned anywhere.
fn markdown(value: &Value, max: usize) {
    let value = value.as_str().unwrap();
    assert!(value.encode_utf16().count() <= max, "{} characters: {value}", value.len());
    for line in value.lines() {
        let spans: Vec<&str> = line.split('`').collect();
        assert!(spans.len() % 2 == 1, "a code span is open: {line}");
        for (at, part) in spans.into_iter().enumerate() {
            let is_code = at % 2 == 1;
            assert!(!part.contains("@everyone") && !part.contains("@here") && !part.contains("@channel") && !part.contains("<!"), "{line}");
            let mut rest = part;
            while let Some((before, link)) = rest.split_once("](").filter(|_| !is_code) {
                assert!(before.rsplit('[').next().unwrap().chars().all(|c| c.is_ascii_alphanumeric() || " -".contains(c)), "{line}");
                let (url, after) = link.split_once(')').unwrap();
                address(&Value::from(url));
                rest = after;
            }
            assert!(is_code || !rest.contains(['*', '_', '<', '[', ']', '#', '~', '|']), "markup outside of code: {line}");
        }
    }
}

/// developers.mattermost.com: incoming webhooks, message attachments.
pub(super) fn mattermost(body: &Value) {
    only(body, &["text", "attachments"]);
    assert!(body.to_string().encode_utf16().count() <= 16_383);
    markdown(&body["text"], 4000);
    text(&body["text"], 4000);
    for attachment in list(&body["attachments"], 10) {
        only(attachment, &["fallback", "color", "text", "fields"]);
        text(&attachment["fallback"], 4000);
        let colour = attachment["color"].as_str().unwrap();
        assert!(colour.len() == 7 && colour.starts_with('#'), "{colour}");
        markdown(&attachment["text"], 16_383);
        for field in attachment["fields"].as_array().unwrap() {
            only(field, &["short", "title", "value"]);
            assert!(field["short"].is_boolean() && length(&field["title"]) > 0);
            markdown(&field["value"], 4000);
        }
    }
}

/// docs.discord.com: execute webhook, embed limits, allowed mentions.
pub(super) fn discord(body: &Value) {
    only(body, &["content", "embeds", "allowed_mentions"]);
    assert_eq!(body["allowed_mentions"]["parse"], Value::Array(Vec::new()), "nobody is mentioned");
    text(&body["content"], 2000);
    markdown(&body["content"], 2000);
    let mut all = 0;
    for embed in list(&body["embeds"], 10) {
        only(embed, &["title", "url", "description", "color", "fields"]);
        text(&embed["title"], 256);
        address(&embed["url"]);
        markdown(&embed["description"], 4096);
        assert!(embed["color"].as_u64().unwrap() <= 0x00ff_ffff);
        all += length(&embed["title"]) + length(&embed["description"]);
        let fields = embed["fields"].as_array().unwrap();
        assert!(fields.len() <= 25);
        for field in fields {
            text(&field["name"], 256);
            text(&field["value"], 1024);
            markdown(&field["value"], 1024);
            all += length(&field["name"]) + length(&field["value"]);
        }
    }
    assert!(all <= 6000, "{all} characters");
}

/// learn.microsoft.com: workflows take a message with Adaptive Cards; adaptivecards.io: RichTextBlock and TextRun, which read no Markdown.
pub(super) fn teams(body: &Value) {
    assert!(body.to_string().len() <= 28 * 1024, "{} bytes", body.to_string().len());
    assert_eq!(body["type"], "message");
    text(&body["summary"], 1000);
    for attachment in list(&body["attachments"], 1) {
        assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
        let card = &attachment["content"];
        only(card, &["$schema", "type", "version", "fallbackText", "body", "actions", "msteams"]);
        assert_eq!((card["type"].as_str(), card["version"].as_str()), (Some("AdaptiveCard"), Some("1.4")));
        only(&card["msteams"], &["width"]);
        for block in list(&card["body"], 100) {
            assert_eq!(block["type"], "RichTextBlock", "no block that reads Markdown");
            for run in list(&block["inlines"], 10) {
                only(run, &["type", "text", "weight", "size", "color", "isSubtle", "selectAction"]);
                assert_eq!(run["type"], "TextRun");
                length(&run["text"]);
                run.get("selectAction").inspect(|action| address(&action["url"]));
            }
        }
        for action in list(&card["actions"], 6) {
            assert_eq!(action["type"], "Action.OpenUrl");
            text(&action["title"], 75);
            address(&action["url"]);
        }
    }
}

/// docs.ntfy.sh: publish as JSON. What is longer than 4,096 bytes becomes an attachment; JSON may take twice that.
pub(super) fn ntfy(body: &Value) {
    only(body, &["topic", "title", "message", "tags", "priority", "click", "actions"]);
    assert!(body.to_string().len() <= 8192);
    assert_eq!(body["topic"], "shop-alerts");
    let message = body["message"].as_str().unwrap();
    assert!((1..=4096).contains(&message.len()), "{} bytes", message.len());
    assert!((1..=250).contains(&body["title"].as_str().unwrap().len()));
    assert!((1..=5).contains(&body["priority"].as_u64().unwrap()));
    address(&body["click"]);
    for tag in list(&body["tags"], 5) {
        text(tag, 30);
    }
    for action in list(&body["actions"], 3) {
        assert_eq!(action["action"], "view");
        text(&action["label"], 75);
        address(&action["url"]);
    }
}

/// `docs/webhooks.md`: the fields and their types.
pub(super) fn webhook(body: &Value) {
    let names = "version id kind at project summary title text notes facts release level url issue_id issues more";
    let names: Vec<&str> = names.split(' ').collect();
    only(body, &names);
    assert_eq!(body.as_object().unwrap().len(), names.len(), "every field is always there: {body}");
    assert_eq!(body["version"], 1);
    for name in ["id", "kind", "at", "project", "summary", "title", "url"] {
        text(&body[name], 1000);
    }
    address(&body["url"]);
    assert!(chrono::DateTime::parse_from_rfc3339(body["at"].as_str().unwrap()).is_ok());
    for fact in body["facts"].as_array().unwrap() {
        only(fact, &["name", "value"]);
    }
    for issue in body["issues"].as_array().unwrap() {
        only(issue, &["short_id", "title", "url", "level"]);
        address(&issue["url"]);
    }
}
