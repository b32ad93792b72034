//! A crash upload: the boundary, the parts, and what fields and msgpack files make of the event. The first byte is the size of pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
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

fuzz_target!(|data: &[u8]| {
    let Some((&size, body)) = data.split_first() else { return };
    let _ = boundary(&String::from_utf8_lossy(body));
    let Some(Some(boundary)) = boundary_of_body(body) else { return };
    let whole = split(&boundary, body, usize::MAX);
    assert_eq!(split(&boundary, body, usize::from(size) + 1), whole);
    let Ok(Parts(parts)) = whole else { return };
    let mut form = Form::default();
    for (header, bytes) in parts {
        match header.name.as_str() {
            "__sentry-event" => drop(form.files.own_event(&bytes)),
            "__sentry-breadcrumb1" | "__sentry-breadcrumb2" => drop(form.files.breadcrumbs(&bytes)),
            name => form.field(name, String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
    assert_eq!(form.into_event()["platform"], "native");
});
