//! Entries of ours in somebody's JSON file. All else in it stays byte by byte, its order and its blanks too; only an
//! object on one line that takes an entry is laid out on several.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::Value;

use super::Change;

/// The file with a member below two keys.
pub(super) fn member(before: Option<&str>, [outer, inner]: [&str; 2], value: &Value) -> Change {
    let (now, root) = match read(before) {
        Ok(read) => read,
        Err(why) => return Change::Left(why),
    };
    match now[outer].get(inner) {
        Some(there) if there == value => Change::Nothing,
        Some(_) => Change::Left(format!("its `{outer}.{inner}` is another; take it out first")),
        None => match root.object_value_or_set().object_value_or_create(outer) {
            Some(object) => {
                object.append(inner, input(value));
                written(&root)
            }
            None => Change::Left(format!("its `{outer}` is no object")),
        },
    }
}

/// The file without it.
pub(super) fn without_member(
    before: Option<&str>,
    [outer, inner]: [&str; 2],
    value: &Value,
) -> Change {
    if before.is_none() {
        return Change::Nothing;
    }
    let (now, root) = match read(before) {
        Ok(read) => read,
        Err(why) => return Change::Left(why),
    };
    let object = root.object_value().and_then(|root| root.object_value(outer));
    match (now[outer].get(inner), object.and_then(|object| object.get(inner))) {
        (Some(there), Some(entry)) if there == value => {
            entry.remove();
            tidied(&root, &[outer])
        }
        (Some(_), _) => Change::Left(format!("its `{outer}.{inner}` has been edited")),
        (None, _) => Change::Nothing,
    }
}

/// The file with an element in an array below two keys; one that holds `mark` somewhere is of ours.
pub(super) fn element(
    before: Option<&str>,
    [outer, inner]: [&str; 2],
    value: &Value,
    mark: &str,
) -> Change {
    let (now, root) = match read(before) {
        Ok(read) => read,
        Err(why) => return Change::Left(why),
    };
    match position(&now[outer][inner], value, mark) {
        Position::At(_) => return Change::Nothing,
        Position::Edited => {
            return Change::Left(format!(
                "its `{outer}.{inner}` has an entry of ours that was edited"
            ));
        }
        Position::Nowhere => {}
    }
    let object = root.object_value_or_set().object_value_or_create(outer);
    match object.and_then(|object| object.array_value_or_create(inner)) {
        Some(array) => {
            array.append(input(value));
            written(&root)
        }
        None => Change::Left(format!("its `{outer}.{inner}` is no array")),
    }
}

/// The file without it.
pub(super) fn without_element(
    before: Option<&str>,
    [outer, inner]: [&str; 2],
    value: &Value,
    mark: &str,
) -> Change {
    if before.is_none() {
        return Change::Nothing;
    }
    let (now, root) = match read(before) {
        Ok(read) => read,
        Err(why) => return Change::Left(why),
    };
    let at = match position(&now[outer][inner], value, mark) {
        Position::At(at) => at,
        Position::Nowhere => return Change::Nothing,
        Position::Edited => {
            return Change::Left(format!("the entry in its `{outer}.{inner}` has been edited"));
        }
    };
    let array = root.object_value().and_then(|root| root.object_value(outer)?.array_value(inner));
    if let Some(element) = array.and_then(|array| array.elements().into_iter().nth(at)) {
        element.remove();
    }
    tidied(&root, &[outer, inner])
}

/// Where an element of ours is.
enum Position {
    At(usize),
    Edited,
    Nowhere,
}

fn position(array: &Value, value: &Value, mark: &str) -> Position {
    let elements = array.as_array().map(Vec::as_slice).unwrap_or_default();
    match elements.iter().position(|element| element == value) {
        Some(at) => Position::At(at),
        None if elements.iter().any(|it| it.to_string().contains(mark)) => Position::Edited,
        None => Position::Nowhere,
    }
}

/// The file as a value, which bounds its depth, and as a tree that keeps every byte.
fn read(before: Option<&str>) -> Result<(Value, CstRootNode), String> {
    let text = before.filter(|text| !text.trim().is_empty()).unwrap_or("{}\n");
    let unreadable = |error: &dyn std::fmt::Display| {
        format!("it cannot be read as JSON: {}", crate::visible::line(error.to_string()))
    };
    let value: Value = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    if !value.is_object() {
        return Err("it is no JSON object".to_owned());
    }
    let root = CstRootNode::parse(text, &ParseOptions::default());
    Ok((value, root.map_err(|error| unreadable(&error))?))
}

/// Takes away what has become empty on the way down to an entry that went.
fn tidied(root: &CstRootNode, keys: &[&str]) -> Change {
    let Some(top) = root.object_value() else { return Change::Nothing };
    if let [outer, inner] = keys
        && let Some(object) = top.object_value(outer)
        && let Some(property) = object.get(inner)
        && object.array_value(inner).is_some_and(|array| array.elements().is_empty())
    {
        property.remove();
    }
    if let [outer, ..] = keys
        && let Some(property) = top.get(outer)
        && top.object_value(outer).is_some_and(|object| is_empty(&object))
    {
        property.remove();
    }
    if is_empty(&top) { Change::Remove } else { written(root) }
}

fn is_empty(object: &CstObject) -> bool {
    object.properties().is_empty()
}

fn written(root: &CstRootNode) -> Change {
    Change::Write(root.to_string())
}

/// A value for the tree.
fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(is) => CstInputValue::Bool(*is),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(fields) => CstInputValue::Object(
            fields.iter().map(|(key, value)| (key.clone(), input(value))).collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEYS: [&str; 2] = ["outer", "inner"];

    #[track_caller]
    fn written(change: Change) -> String {
        match change {
            Change::Write(text) => text,
            other => panic!("{other:?}"),
        }
    }

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    const THEIRS: [&str; 4] = [
        "{\n    \"z\": 1.50,\n    \"outer\": {\n        \"other\": {\"a\": [1,2]}\n    },\n    \"a\": 12345678901234567890123\n}",
        "{\n  \"z\":1,\n  \"outer\":{\n    \"other\":{}\n  },\n  \"a\":\"\\u00e9\"\n}\n",
        "{\n\t\"z\": [],\n\t\"a\": null\n}\n",
        "{\r\n  \"z\": {}\r\n}\r\n",
    ];

    #[test]
    fn a_member_goes_in_and_out_and_leaves_the_rest_as_it_was() {
        let ours = json!({"command": "x", "args": ["y"], "env": {}});
        for theirs in THEIRS {
            let with = written(member(Some(theirs), KEYS, &ours));
            assert_eq!(parsed(&with)["outer"]["inner"], ours, "{with}");
            let keys = |text: &str| -> Vec<String> {
                let keys = parsed(text).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
                keys.into_iter().filter(|key| key != "outer").collect()
            };
            assert_eq!(keys(&with), keys(theirs));
            assert_eq!(member(Some(&with), KEYS, &ours), Change::Nothing);
            assert_eq!(written(without_member(Some(&with), KEYS, &ours)), theirs, "{with}");
        }
        let alone = written(member(None, KEYS, &ours));
        assert_eq!(without_member(Some(&alone), KEYS, &ours), Change::Remove);
    }

    #[test]
    fn an_object_on_one_line_keeps_what_it_says() {
        let theirs = r#"{"z":1.50,"outer":{"other":[1,  2]},"a":"\u00e9"}"#;
        let with = written(member(Some(theirs), KEYS, &json!(1)));
        for part in [r#""z":1.50"#, r#""other":[1,  2]"#, r#""a":"\u00e9""#] {
            assert!(with.contains(part), "{with}");
        }
        let without = written(without_member(Some(&with), KEYS, &json!(1)));
        assert_eq!(parsed(&without).to_string(), parsed(theirs).to_string());
    }

    #[test]
    fn an_element_goes_in_and_out_and_leaves_the_rest_as_it_was() {
        let ours = json!({"matcher": "Bash", "hooks": [{"command": "the mark"}]});
        let theirs =
            "{\n  \"outer\": {\n    \"inner\": [\n      {\"matcher\": \"Edit\"}\n    ]\n  }\n}\n";
        for theirs in THEIRS.into_iter().chain([theirs]) {
            let with = written(element(Some(theirs), KEYS, &ours, "the mark"));
            let elements = &parsed(&with)["outer"]["inner"];
            assert_eq!(elements.as_array().unwrap().last(), Some(&ours), "{with}");
            assert_eq!(element(Some(&with), KEYS, &ours, "the mark"), Change::Nothing);
            assert_eq!(
                written(without_element(Some(&with), KEYS, &ours, "the mark")),
                theirs,
                "{with}"
            );
        }
    }

    #[test]
    fn what_is_not_as_we_wrote_it_is_left() {
        let ours = json!({"command": "the mark"});
        let edited = r#"{"outer": {"inner": {"command": "the mark", "env": {"A": "b"}}}}"#;
        assert!(matches!(member(Some(edited), KEYS, &ours), Change::Left(_)));
        assert!(matches!(without_member(Some(edited), KEYS, &ours), Change::Left(_)));
        let edited = r#"{"outer": {"inner": [{"command": "the mark", "timeout": 1}]}}"#;
        assert!(matches!(element(Some(edited), KEYS, &ours, "the mark"), Change::Left(_)));
        assert!(matches!(without_element(Some(edited), KEYS, &ours, "the mark"), Change::Left(_)));
        for broken in ["{", "[]", "{\"outer\": 1}", "// text\n{}", &"[".repeat(1 << 16)] {
            assert!(matches!(member(Some(broken), KEYS, &ours), Change::Left(_)), "{broken:.20}");
            assert!(
                matches!(element(Some(broken), KEYS, &ours, "m"), Change::Left(_)),
                "{broken:.20}"
            );
        }
        assert_eq!(without_member(Some("{\"outer\": 1}"), KEYS, &ours), Change::Nothing);
        assert_eq!(without_element(None, KEYS, &ours, "the mark"), Change::Nothing);
    }
}
