//! A crash upload: the boundary, the parts, and what fields and msgpack files make of the event. The first byte is the size of pieces.

use serde_json::Value;
use vedette::protocol::crash_form::Form;
use vedette::protocol::multipart::{Broken, PartHeader, PartSink, Splitter, boundary, boundary_of_body};

#[derive(Default, Debug, PartialEq)]
struct Parts(Vec<(PartHeader, Vec<u8>)>);

impl PartSink for Parts {
    type Error = Broken;

    fn begin(&mut self, header: PartHeader) -> Result<(), Broken> {
        self.0.push((header, Vec::new()));
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.0.last_mut().expect("data follows a header").1.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Broken> {
        Ok(())
    }
}

fn split(boundary: &[u8], body: &[u8], size: usize) -> Result<Parts, Broken> {
    let (mut splitter, mut parts) = (Splitter::new(boundary), Parts::default());
    for piece in body.chunks(size) {
        splitter.feed(piece, &mut parts)?;
    }
    splitter.finish(&mut parts)?;
    Ok(parts)
}

/// Splits, joins again, and reads the form.
pub fn check(data: &[u8]) {
    let Some((&size, body)) = data.split_first() else { return };
    let size = usize::from(size) + 1;
    if let Some(found) = boundary(&String::from_utf8_lossy(body)) {
        assert!((1..=200).contains(&found.len()));
    }
    let Some(Some(boundary)) = boundary_of_body(body) else { return };
    let whole = split(&boundary, body, usize::MAX);
    assert_eq!(split(&boundary, body, size), whole, "pieces make no difference");
    let Ok(parts) = whole else { return };
    let total: usize = parts.0.iter().map(|(_, data)| data.len()).sum();
    assert!(total <= body.len(), "no byte is in two parts");
    assert!(parts.0.len() <= 2000);
    joins_again(&parts);
    reads_a_form(parts, body.len());
}

/// The parts' data between other delimiters.
fn joins_again(parts: &Parts) {
    // Where the data has this very boundary, it would be cut there.
    const BOUNDARY: &str = "0123456789-vedette-0123456789";
    if parts.0.iter().any(|(_, data)| memchr::memmem::find(data, BOUNDARY.as_bytes()).is_some()) {
        return;
    }
    let mut body = Vec::new();
    for (_, data) in &parts.0 {
        body.extend_from_slice(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n").as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--").as_bytes());
    let again = split(BOUNDARY.as_bytes(), &body, usize::MAX).expect("what is joined can be split");
    assert_eq!(parts.0.len(), again.0.len());
    for ((_, one), (header, again)) in parts.0.iter().zip(&again.0) {
        assert_eq!((one, "a"), (again, &*header.name));
    }
}

/// The event says no more than was sent, but for escapes and what stands in for the dump, and every reader can read it.
fn reads_a_form(parts: Parts, length: usize) {
    let mut form = Form::default();
    for (header, bytes) in parts.0 {
        match header.name.as_str() {
            "__sentry-event" => drop(form.files.own_event(&bytes)),
            "__sentry-breadcrumb1" | "__sentry-breadcrumb2" => drop(form.files.breadcrumbs(&bytes)),
            name => form.field(name, String::from_utf8_lossy(&bytes).into_owned(), 0),
        }
    }
    // Far less than a body may be, so that what is too long is cut.
    let max = 16 * 1024;
    let event = Value::Object(form.into_event(max));
    assert_eq!(event["platform"], "native");
    let text = event.to_string();
    assert!(text.len() <= max.min(16 * length + 4096), "{length} bytes became {}", text.len());
    assert!(serde_json::from_str::<Value>(&text).is_ok());
}
