//! An SMTP server that does as it is told: takes mails, refuses them, falls silent, hangs up. Loopback, plain, one per test.
#![allow(dead_code, reason = "shared by tests of two crates, each of which needs a part")]

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// At which point of the conversation something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Greeting,
    Auth,
    Rcpt,
    /// After the whole text has come.
    Text,
}

/// What the server does with the next mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Accept,
    /// Answers this line, such as `451 4.3.0 try later`.
    Refuse(Stage, &'static str),
    /// Says nothing more.
    Hang(Stage),
    /// Takes the mail, then hangs up without a word: the sender cannot know.
    DropAfterText,
}

/// A mail as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Headers and body, lines ended by `\n`.
    pub(crate) text: String,
    /// The last `AUTH` line.
    pub(crate) auth: String,
}

#[derive(Debug, Default)]
struct State {
    behaviour: Mutex<Option<Behaviour>>,
    mails: Mutex<Vec<Received>>,
    arrived: Notify,
}

impl State {
    fn behaviour(&self) -> Behaviour {
        self.behaviour.lock().unwrap_or(Behaviour::Accept)
    }
}

/// Ends when dropped.
#[derive(Debug)]
pub(crate) struct FakeSmtp {
    port: u16,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

impl FakeSmtp {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, state.clone()));
        Self { port, state, _tasks: tasks }
    }

    /// For `VEDETTE_SMTP_URL`.
    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.state.behaviour.lock() = Some(behaviour);
    }

    pub(crate) fn mails(&self) -> Vec<Received> {
        self.state.mails.lock().clone()
    }

    /// Waits until `count` mails have come, and returns all.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        loop {
            let arrived = self.state.arrived.notified();
            let mails = self.mails();
            if mails.len() >= count {
                return mails;
            }
            arrived.await;
        }
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut clients = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        clients.spawn(async move {
            // A client that hangs up in the middle is its own business.
            let _ = converse(stream, &state).await;
        });
    }
}

/// Says `usual`, or what the behaviour wants at this stage. False: the conversation is over.
async fn reply(stream: &mut BufReader<TcpStream>, state: &State, stage: Option<Stage>, usual: &str) -> std::io::Result<bool> {
    let line = match state.behaviour() {
        Behaviour::Refuse(at, line) if Some(at) == stage => line,
        Behaviour::Hang(at) if Some(at) == stage => std::future::pending().await,
        Behaviour::DropAfterText if stage == Some(Stage::Text) => return Ok(false),
        _ => usual,
    };
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    Ok(true)
}

async fn converse(stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    reply(&mut stream, state, Some(Stage::Greeting), "220 fake").await?;
    let mut mail = Received { from: String::new(), to: Vec::new(), text: String::new(), auth: String::new() };
    let mut line = String::new();
    while {
        line.clear();
        stream.read_line(&mut line).await?
    } > 0
    {
        let said = line.trim_end();
        let verb = said.split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
        let rest = said.split_once(':').map_or("", |(_, rest)| rest).split_whitespace().next().unwrap_or("").to_owned();
        let go_on = match verb.as_str() {
            "EHLO" => reply(&mut stream, state, None, "250-fake\r\n250-AUTH PLAIN\r\n250 8BITMIME").await?,
            "AUTH" => {
                said.clone_into(&mut mail.auth);
                reply(&mut stream, state, Some(Stage::Auth), "235 ok").await?
            }
            "MAIL" => {
                mail.from = rest;
                mail.to.clear();
                reply(&mut stream, state, None, "250 ok").await?
            }
            "RCPT" => {
                mail.to.push(rest);
                reply(&mut stream, state, Some(Stage::Rcpt), "250 ok").await?
            }
            "DATA" => {
                reply(&mut stream, state, None, "354 go on").await?;
                mail.text = text(&mut stream).await?;
                if matches!(state.behaviour(), Behaviour::Accept | Behaviour::DropAfterText) {
                    state.mails.lock().push(mail.clone());
                    state.arrived.notify_waiters();
                }
                reply(&mut stream, state, Some(Stage::Text), "250 2.0.0 queued as 1").await?
            }
            "QUIT" => return reply(&mut stream, state, None, "221 bye").await.map(|_| ()),
            _ => reply(&mut stream, state, None, "250 ok").await?,
        };
        if !go_on {
            return Ok(());
        }
    }
    Ok(())
}

/// The text up to the lonely dot.
async fn text(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut text = String::new();
    let mut line = String::new();
    while {
        line.clear();
        stream.read_line(&mut line).await?
    } > 0
        && line != ".\r\n"
    {
        let kept = line.strip_prefix('.').unwrap_or(&line);
        text.push_str(kept.trim_end_matches(['\r', '\n']));
        text.push('\n');
    }
    Ok(text)
}
