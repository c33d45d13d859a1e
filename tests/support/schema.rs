//! Holds a report against the schema of its format.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Fails with every place at which `report` breaks the schema of this name in `tests/schemas`.
#[track_caller]
pub fn assert_valid(schema: &str, report: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(schema);
    let text = fs::read_to_string(&path).expect("a schema of ours");
    // A stray bracket in the schema of SARIF, which a strict reader of patterns refuses.
    let text = text.replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}?$");
    let schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
    let report: Value =
        serde_json::from_str(report).unwrap_or_else(|error| panic!("{error} in {report}"));
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema that can be used");
    let errors: Vec<String> = validator
        .iter_errors(&report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}\nin {report:#}", errors.join("\n"));
    report
}
