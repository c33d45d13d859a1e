//! Replies as bytes: plain responses, and streams of server-sent events in chunks.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::TICK;
use super::http::is_timeout;
use super::reply::Reply;

/// The pause between two comment lines of a stream that says nothing.
const COMMENT_PAUSE: Duration = Duration::from_millis(100);

/// The client's end of a connection.
pub struct Wire<'a> {
    pub stream: &'a TcpStream,
    pub stop: &'a AtomicBool,
}

impl Wire<'_> {
    pub fn send(&self, reply: &Reply) -> io::Result<()> {
        self.send_with(reply, &[])
    }

    fn send_with(&self, reply: &Reply, headers: &[(String, String)]) -> io::Result<()> {
        match reply {
            Reply::WithHeaders(further, reply) => {
                self.send_with(reply, &[headers, further].concat())
            }
            Reply::Status { code, headers: own, body } => {
                self.plain(*code, &[headers, own].concat(), body)
            }
            Reply::Html => {
                let html = ("content-type".to_owned(), "text/html".to_owned());
                self.plain(
                    200,
                    &[html],
                    "<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>\n",
                )
            }
            Reply::StallBeforeHeaders => self.stall(),
            Reply::CloseUnanswered => Ok(()),
            stream => {
                self.head(200, &stream_headers(headers))?;
                self.events(stream)
            }
        }
    }

    fn events(&self, reply: &Reply) -> io::Result<()> {
        match reply {
            Reply::Events(events) => {
                for event in events {
                    self.event(event)?;
                }
                self.end()
            }
            Reply::Answer(text) => self.answer(text, Duration::ZERO, &completed()),
            Reply::AnswerSlowly { text, delay } => self.answer(text, *delay, &completed()),
            Reply::Incomplete(text) => self.answer(text, Duration::ZERO, &incomplete()),
            Reply::StreamError { code, message } => self.all(&[created(), failed(code, message)]),
            Reply::ToolCall { name, arguments } => self.all(&tool_call(name, arguments)),
            Reply::Refusal(text) => self.all(&refusal(text)),
            Reply::Empty => self.all(&[created(), completed()]),
            Reply::EndsEarly => self.all(&[created(), message_added(), delta("The answer beg")]),
            Reply::StallAfterCreated => {
                self.event(&created())?;
                self.stall()
            }
            Reply::CommentsOnly => {
                self.event(&created())?;
                self.comments()
            }
            Reply::CutInMidStream => {
                self.event(&created())?;
                self.event(&message_added())?;
                // The end of the chunks stays out, which is how a client knows the cut from a
                // close.
                self.event(&delta("The answer beg"))
            }
            other => unreachable!("{other:?} is no stream"),
        }
    }

    fn answer(&self, text: &str, delay: Duration, last: &Value) -> io::Result<()> {
        self.event(&created())?;
        self.event(&message_added())?;
        for piece in pieces(text) {
            self.pause(delay)?;
            self.event(&delta(piece))?;
        }
        self.all(&[message_done(text), last.clone()])
    }

    fn all(&self, events: &[Value]) -> io::Result<()> {
        for event in events {
            self.event(event)?;
        }
        self.end()
    }

    fn event(&self, event: &Value) -> io::Result<()> {
        let name = event["type"].as_str().unwrap_or("message");
        self.chunk(&format!("event: {name}\ndata: {event}\n\n"))
    }

    fn comments(&self) -> io::Result<()> {
        loop {
            self.pause(COMMENT_PAUSE)?;
            self.chunk(": keep-alive\n\n")?;
        }
    }

    fn plain(&self, code: u16, headers: &[(String, String)], body: &str) -> io::Result<()> {
        let length = ("content-length".to_owned(), body.len().to_string());
        self.head(code, &[headers, &[length]].concat())?;
        self.write(body.as_bytes())
    }

    fn head(&self, code: u16, headers: &[(String, String)]) -> io::Result<()> {
        let mut head = format!(
            "HTTP/1.1 {code} {}\r\nconnection: close\r\nx-request-id: req_loopback\r\n",
            reason(code),
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.write(head.as_bytes())
    }

    fn chunk(&self, text: &str) -> io::Result<()> {
        self.write(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
    }

    /// The chunk that says that all is said.
    fn end(&self) -> io::Result<()> {
        self.write(b"0\r\n\r\n")
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stream = self.stream;
        stream.write_all(bytes)
    }

    /// Sleeps in ticks, so that a server which is dropped is gone at once.
    fn pause(&self, length: Duration) -> io::Result<()> {
        let until = Instant::now() + length;
        while let Some(left) =
            until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
        {
            if self.stop.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            thread::sleep(left.min(TICK));
        }
        Ok(())
    }

    /// Holds the connection without a word until the client closes it or the server is dropped.
    fn stall(&self) -> io::Result<()> {
        while !self.stop.load(Ordering::SeqCst) {
            match self.stream.peek(&mut [0]) {
                Ok(0) => break,
                // Something more to read that nobody wants: only the clock can pass the time.
                Ok(_) => thread::sleep(TICK),
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn stream_headers(further: &[(String, String)]) -> Vec<(String, String)> {
    let own = [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    [&own, further].concat()
}

fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

/// A few words at a time, as a model speaks, and never within a character.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|line| {
        let words: Vec<usize> = line.match_indices(' ').map(|(at, _)| at).step_by(8).collect();
        let starts = std::iter::once(0).chain(words.clone());
        let ends = words.into_iter().chain(std::iter::once(line.len()));
        starts.zip(ends).map(|(start, end)| &line[start..end]).collect::<Vec<_>>()
    })
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "resp_loopback"}})
}

fn message_added() -> Value {
    json!({"type": "response.output_item.added", "output_index": 0, "item": {
        "type": "message", "id": "msg_loopback", "role": "assistant", "status": "in_progress",
        "content": [],
    }})
}

fn delta(text: &str) -> Value {
    json!({
        "type": "response.output_text.delta", "item_id": "msg_loopback", "output_index": 0,
        "content_index": 0, "delta": text,
    })
}

fn message_done(text: &str) -> Value {
    message_with(&json!({"type": "output_text", "text": text, "annotations": []}))
}

fn message_with(content: &Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": 0, "item": {
        "type": "message", "id": "msg_loopback", "role": "assistant", "status": "completed",
        "content": [content],
    }})
}

fn refusal(text: &str) -> [Value; 3] {
    [created(), message_with(&json!({"type": "refusal", "refusal": text})), completed()]
}

fn tool_call(name: &str, arguments: &Value) -> [Value; 3] {
    let call = json!({"type": "response.output_item.done", "output_index": 0, "item": {
        "type": "function_call", "id": "fc_loopback", "call_id": "call_loopback", "name": name,
        "arguments": arguments.to_string(), "status": "completed",
    }});
    [created(), call, completed()]
}

fn completed() -> Value {
    json!({"type": "response.completed", "response": {
        "id": "resp_loopback", "status": "completed", "usage": usage(),
    }})
}

fn incomplete() -> Value {
    json!({"type": "response.incomplete", "response": {
        "id": "resp_loopback", "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"}, "usage": usage(),
    }})
}

fn failed(code: &str, message: &str) -> Value {
    json!({"type": "response.failed", "response": {
        "id": "resp_loopback", "status": "failed", "error": {"code": code, "message": message},
    }})
}

/// Numbers that are all different, so that a test sees which one a report shows.
fn usage() -> Value {
    json!({
        "input_tokens": 1200, "input_tokens_details": {"cached_tokens": 300},
        "output_tokens": 45, "output_tokens_details": {"reasoning_tokens": 6},
        "total_tokens": 1245,
    })
}
