//! A client of `git advisor mcp`: JSON-RPC, a line a message, every wait bounded.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::advisor::Advisor;

/// Longer than any honest answer.
const BOUND: Duration = Duration::from_secs(90);

/// A client and its server. The server is killed when the client is dropped.
pub struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
    /// Messages that were not waited for, in order.
    seen: Vec<Value>,
    /// What it lists as its roots; where there is nothing, it does not answer.
    roots: Option<Vec<String>>,
    next: u64,
    /// What the server said of itself.
    pub info: Value,
}

impl Client {
    /// Starts the server and introduces itself.
    pub fn start(advisor: Advisor) -> Self {
        Self::with_roots(advisor, &[])
    }

    /// The same as a client that declares roots.
    pub fn with_roots(advisor: Advisor, roots: &[String]) -> Self {
        let capabilities = if roots.is_empty() { json!({}) } else { json!({"roots": {}}) };
        let mut client = Self::introduced(advisor, &capabilities);
        client.roots = Some(roots.to_vec());
        client
    }

    /// The same as one that declares roots, and does not answer when it is asked for them.
    pub fn hiding_roots(advisor: Advisor) -> Self {
        Self::introduced(advisor, &json!({"roots": {}}))
    }

    fn introduced(advisor: Advisor, capabilities: &Value) -> Self {
        let mut client = Self::silent(advisor);
        let hello = client.request(
            "initialize",
            json!({"protocolVersion": "2025-06-18", "capabilities": capabilities,
                   "clientInfo": {"name": "bench", "version": "1"}}),
        );
        client.info = client.answer(hello)["result"].clone();
        client.notify("notifications/initialized", json!({}));
        client
    }

    /// Starts the server and says nothing.
    pub fn silent(advisor: Advisor) -> Self {
        let mut command = advisor.args(["mcp"]).into_command();
        command.process_group(0).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut stderr = child.stderr.take().expect("stderr is piped");
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        Self {
            stdin: child.stdin.take(),
            child,
            lines,
            stderr: Some(stderr),
            seen: Vec::new(),
            roots: None,
            next: 1,
            info: Value::Null,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a request, and gives its id.
    pub fn request(&mut self, method: &str, params: Value) -> u64 {
        let id = self.next;
        self.next += 1;
        let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
        message["params"] = params;
        self.send(&message);
        id
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        let mut message = json!({"jsonrpc": "2.0", "method": method});
        message["params"] = params;
        self.send(&message);
    }

    /// Sends a line as it is.
    pub fn send_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin.write_all(line.as_bytes()).and_then(|()| stdin.write_all(b"\n")).expect("a server");
    }

    fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string());
    }

    /// Begins a call of a tool, which tells how far it is under its own id.
    pub fn begin(&mut self, tool: &str, arguments: Value) -> u64 {
        let mut params = json!({"name": tool, "_meta": {"progressToken": self.next}});
        params["arguments"] = arguments;
        self.request("tools/call", params)
    }

    /// Calls a tool to its end, and gives the result.
    #[track_caller]
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let id = self.begin(tool, arguments);
        let answer = self.answer(id);
        assert!(answer["error"].is_null(), "{answer:#}");
        answer["result"].clone()
    }

    /// The line with which a tool refuses a request.
    #[track_caller]
    pub fn refusal(&mut self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], true, "{result:#}");
        let line = result["content"][0]["text"].as_str().expect("a text").to_owned();
        assert!(!line.contains('\n') && line.len() < 600, "{line}");
        line
    }

    /// Waits for the answer to a request.
    #[track_caller]
    pub fn answer(&mut self, id: u64) -> Value {
        self.wait_for("an answer", |message| message["id"] == id && message["method"].is_null())
    }

    /// Waits for a message, and keeps the others.
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.seen.iter().position(&is_it) {
            return self.seen.remove(at);
        }
        let until = Instant::now() + BOUND;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = match self.lines.recv_timeout(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in time: {:#?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended before {what}: {:#?}", self.seen)
                }
            };
            let message: Value = serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("stdout is not the protocol's: {error}: {line}"));
            assert_eq!(message["jsonrpc"], "2.0", "{message:#}");
            if message["method"] == "roots/list" {
                let Some(roots) = &self.roots else { continue };
                let roots: Vec<Value> = roots.iter().map(|uri| json!({"uri": uri})).collect();
                let id = message["id"].clone();
                self.send(&json!({"jsonrpc": "2.0", "id": id, "result": {"roots": roots}}));
            } else if is_it(&message) {
                return message;
            } else {
                self.seen.push(message);
            }
        }
    }

    /// What a call has told of itself so far.
    pub fn progress(&self, id: u64) -> Vec<&Value> {
        let told = self.seen.iter().filter(|it| it["method"] == "notifications/progress");
        told.map(|it| &it["params"]).filter(|it| it["progressToken"] == id).collect()
    }

    /// Whether an answer to a request has come.
    pub fn has_answered(&self, id: u64) -> bool {
        self.seen.iter().any(|message| message["id"] == id && message["method"].is_null())
    }

    /// Goes away, and gives the server's exit status, its stderr, and how long its end took.
    #[track_caller]
    pub fn close(mut self) -> (Option<i32>, String, Duration) {
        self.stdin = None;
        self.ended()
    }

    /// Sends the server a signal, and gives the same.
    #[track_caller]
    pub fn end_by(mut self, signal: &str) -> (Option<i32>, String, Duration) {
        let id = self.id().to_string();
        let sent = std::process::Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.expect("kill can be started").success());
        self.ended()
    }

    #[track_caller]
    fn ended(&mut self) -> (Option<i32>, String, Duration) {
        let begun = Instant::now();
        while begun.elapsed() < BOUND {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                let stderr = self.stderr.take().map(|it| it.join().expect("no reader panics"));
                return (status.code(), stderr.unwrap_or_default(), begun.elapsed());
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the server does not end");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
