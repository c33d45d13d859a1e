//! The replies that a script is made of: what a model, a gateway or a broken network can send.

use std::time::Duration;

use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub enum Reply {
    /// A complete answer in one assistant message.
    Answer(String),
    /// The same, with a pause before each piece of the text.
    AnswerSlowly { text: String, delay: Duration },
    /// A plain HTTP response.
    Status { code: u16, headers: Vec<(String, String)>, body: String },
    /// The events of a stream, one after the other, for what has no name here.
    Events(Vec<Value>),
    /// An answer that reached the limit of output tokens.
    Incomplete(String),
    /// A stream that opens and then reports a failure.
    StreamError { code: String, message: String },
    /// The model wants to act. The client's next request carries the outcome.
    ToolCall { name: String, arguments: Value },
    /// The model says that it will not answer.
    Refusal(String),
    /// A complete stream without any message.
    Empty,
    /// A page for people, with status 200, as a captive portal or a gateway sends it.
    Html,
    /// The request is read and nothing comes back.
    StallBeforeHeaders,
    /// The stream opens and then falls silent.
    StallAfterCreated,
    /// The stream opens and then carries nothing but comment lines, which keep a connection alive
    /// and say nothing.
    CommentsOnly,
    /// The connection breaks within the answer.
    CutInMidStream,
    /// The stream ends in good order before the answer does.
    EndsEarly,
    /// The connection is closed without an answer.
    CloseUnanswered,
    /// Another reply with further headers.
    WithHeaders(Vec<(String, String)>, Box<Self>),
}

impl Reply {
    pub fn answer(text: impl Into<String>) -> Self {
        Self::Answer(text.into())
    }

    pub fn status(code: u16) -> Self {
        Self::Status { code, headers: Vec::new(), body: String::new() }
    }

    /// An error as the API words it. `code` says more than the status and decides what Codex makes
    /// of it.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::status(status)
            .json(&json!({"error": {"message": message, "type": code, "code": code}}))
    }

    pub fn unauthorized() -> Self {
        Self::error(401, "invalid_api_key", "Incorrect API key provided.")
    }

    pub fn model_not_found(model: &str) -> Self {
        Self::error(
            404,
            "model_not_found",
            &format!("The model `{model}` does not exist or you do not have access to it."),
        )
    }

    /// A rate limit that names no time.
    pub fn rate_limited() -> Self {
        Self::error(429, "rate_limit_exceeded", "Rate limit reached for requests.")
    }

    pub fn rate_limited_for(seconds: u64) -> Self {
        Self::rate_limited().header("retry-after", &seconds.to_string())
    }

    /// The plan is used up; `resets_at` is in seconds since 1970.
    pub fn usage_limit(resets_at: Option<u64>) -> Self {
        Self::status(429).json(&json!({"error": {
            "type": "usage_limit_reached", "message": "The usage limit has been reached",
            "plan_type": "pro", "resets_at": resets_at,
        }}))
    }

    pub fn insufficient_quota() -> Self {
        Self::error(
            429,
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        )
    }

    pub fn overloaded() -> Self {
        Self::error(503, "server_is_overloaded", "The server is currently overloaded.")
    }

    pub fn server_error() -> Self {
        Self::error(500, "server_error", "The server had an error while processing your request.")
    }

    pub fn stream_error(code: &str, message: &str) -> Self {
        Self::StreamError { code: code.to_owned(), message: message.to_owned() }
    }

    pub fn tool_call(name: &str, arguments: Value) -> Self {
        Self::ToolCall { name: name.to_owned(), arguments }
    }

    /// Puts a JSON body in place of whatever the reply had.
    pub fn json(self, body: &Value) -> Self {
        match self {
            Self::Status { code, headers, .. } => {
                Self::Status { code, headers, body: body.to_string() }
                    .header("content-type", "application/json")
            }
            other => panic!("{other:?} is a stream and takes no body"),
        }
    }

    /// Adds a header to the response.
    pub fn header(self, name: &str, value: &str) -> Self {
        let header = (name.to_owned(), value.to_owned());
        match self {
            Self::WithHeaders(mut headers, reply) => {
                headers.push(header);
                Self::WithHeaders(headers, reply)
            }
            Self::Status { code, mut headers, body } => {
                headers.push(header);
                Self::Status { code, headers, body }
            }
            stream => Self::WithHeaders(vec![header], Box::new(stream)),
        }
    }
}
