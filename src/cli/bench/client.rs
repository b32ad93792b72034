//! # A small HTTP/1.1 client
//! **Promise.** One connection, kept open, one request at a time; the request's bytes go out as they are. Cheap, so that the load generator
//! takes little from the server beside it.
//! **When it breaks.** A kept connection that the server closed before it answered is opened again once (its event keeps its id, so a
//! repeat cannot count twice). All else is an error: a benchmark whose server misbehaves has no result.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A head longer than this is not one of ours.
const MAX_HEAD: usize = 16 * 1024;

/// What the server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Retry-After` in seconds.
    pub(super) retry_after: Option<Duration>,
}

/// One connection.
pub(super) struct Client {
    address: String,
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

impl Client {
    pub(super) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None, received: Vec::with_capacity(1_024) }
    }

    /// Opens the connection, if it is not.
    pub(super) async fn connect(&mut self) -> io::Result<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Sends one request and waits for its answer.
    pub(super) async fn send(&mut self, request: &[u8]) -> io::Result<Answer> {
        let reused = self.stream.is_some();
        match self.exchange(request).await {
            Err(_) if reused && self.received.is_empty() => self.exchange(request).await,
            answer => answer,
        }
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.received.clear();
        self.connect().await?;
        let Some(mut stream) = self.stream.take() else { return Err(io::ErrorKind::NotConnected.into()) };
        stream.write_all(request).await?;
        let head = loop {
            if let Some(head) = Head::parse(&self.received)? {
                break head;
            }
            if stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        while self.received.len() < head.whole {
            if stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        if !head.close {
            self.stream = Some(stream);
        }
        Ok(head.answer)
    }
}

struct Head {
    answer: Answer,
    close: bool,
    /// Length of head and body.
    whole: usize,
}

impl Head {
    /// `None` while the head is not complete.
    fn parse(received: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = memchr::memmem::find(received, b"\r\n\r\n") else {
            return if received.len() > MAX_HEAD { Err(strange("a head without end")) } else { Ok(None) };
        };
        let text = std::str::from_utf8(&received[..end]).map_err(|_| strange("a head that is no text"))?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| strange("no HTTP/1.1 status line"))?;
        let (mut retry_after, mut close, mut length) = (None, false, None);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse::<usize>().ok(),
                "retry-after" => retry_after = value.parse().ok().map(Duration::from_secs),
                "connection" => close = value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        let length = length.ok_or_else(|| strange("no Content-Length"))?;
        Ok(Some(Self { answer: Answer { status, retry_after }, close, whole: end + 4 + length }))
    }
}

fn strange(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server answered with {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\nRETRY-AFTER: 7\r\nconnection: close\r\n\r\n{}";
        for cut in 0..answer.len() - 2 {
            assert!(Head::parse(&answer[..cut]).unwrap().is_none(), "{cut}");
        }
        let head = Head::parse(answer).unwrap().unwrap();
        assert_eq!(head.answer, Answer { status: 429, retry_after: Some(Duration::from_secs(7)) });
        assert!(head.close);
        assert_eq!(head.whole, answer.len());
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for bytes in [&b"SMTP ready\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 2\xff0 OK\r\n\r\n", &vec![b'x'; MAX_HEAD + 1]] {
            assert!(Head::parse(bytes).is_err());
        }
    }
}
