//! A request as it came in, and the questions that tests ask of it.

use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// With the query, as it stood in the request line.
    pub path: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body as it came over the wire.
    pub raw: Vec<u8>,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A question to the model.
    pub fn is_call(&self) -> bool {
        self.method == "POST" && self.route().ends_with("/responses")
    }

    pub fn is_model_list(&self) -> bool {
        self.method == "GET" && self.route().ends_with("/models")
    }

    /// An attempt to open a WebSocket.
    pub fn is_upgrade(&self) -> bool {
        self.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
    }

    /// The tools that the model was offered: newer models get theirs as an item of the input.
    pub fn tools(&self) -> Vec<Value> {
        let items = self.body["input"].as_array().into_iter().flatten();
        let lists = std::iter::once(&self.body).chain(items).map(|holder| &holder["tools"]);
        lists.filter_map(Value::as_array).flatten().cloned().collect()
    }

    /// The top-level instructions; empty when there are none.
    pub fn instructions(&self) -> &str {
        self.body["instructions"].as_str().unwrap_or_default()
    }

    /// Every text of the input with its role. An item without a role (the output of a tool, say)
    /// stands under its type, so that nothing which was sent can hide from a test that counts.
    pub fn input_texts(&self) -> Vec<(String, String)> {
        let items = self.body["input"].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().flat_map(texts_of).collect()
    }

    /// The last text that was sent as the user; empty when there is none.
    pub fn prompt(&self) -> String {
        self.input_texts()
            .into_iter()
            .rfind(|(role, _)| role == "user")
            .map(|(_, text)| text)
            .unwrap_or_default()
    }

    /// Bytes of the body, unpacked, beside those of the prompt and of the form of the answer.
    pub fn overhead(&self) -> usize {
        let form = self.schema().map_or(0, |schema| schema.to_string().len());
        self.body.to_string().len() - Value::from(self.prompt()).to_string().len() - form
    }

    /// The schema that the answer has to follow, if one was sent.
    pub fn schema(&self) -> Option<&Value> {
        self.body.pointer("/text/format/schema")
    }

    fn route(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }
}

fn texts_of(item: &Value) -> Vec<(String, String)> {
    let role = item["role"].as_str().or(item["type"].as_str()).unwrap_or("unknown");
    let parts = match item["content"].as_array() {
        Some(parts) => parts.iter().map(text_of).collect(),
        None => vec![text_of(item)],
    };
    parts.into_iter().map(|text| (role.to_owned(), text)).collect()
}

/// The text of a part, or its JSON where it holds none.
fn text_of(part: &Value) -> String {
    let text = ["text", "output", "content"].iter().find_map(|key| part[key].as_str());
    text.map_or_else(|| part.to_string(), str::to_owned)
}
