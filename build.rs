//! Derives the literals of the built-in patterns, which would take longer at each start than the scan.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

// The one place where literals come from, for the build and for own rules alike.
#[path = "src/rules/literals.rs"]
mod literals;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let packs = Path::new("src/rules/packs");
    println!("cargo::rerun-if-changed={}", packs.display());
    println!("cargo::rerun-if-changed=src/rules/literals.rs");
    let mut derived = BTreeMap::new();
    for pack in fs::read_dir(packs)? {
        let pack: toml::Table = toml::from_str(&fs::read_to_string(pack?.path())?)?;
        let rules = pack["rule"].as_array().into_iter().flatten();
        for pattern in rules.flat_map(|rule| rule["patterns"].as_array().into_iter().flatten()) {
            let pattern = pattern.as_str().ok_or("a pattern is no string")?;
            derived.insert(pattern.to_owned(), literals::required(pattern));
        }
    }
    let mut source = String::from("static BUILT_IN: &[(&str, Option<&[&[u8]]>)] = &[\n");
    for (pattern, literals) in derived {
        let set = literals.map(|set| {
            let each: Vec<String> = set.iter().map(|text| format!("&{text:?}")).collect();
            format!("&[{}]", each.join(", "))
        });
        let set = set.map_or("None".to_owned(), |set| format!("Some({set})"));
        source.push_str(&format!("({pattern:?}, {set}),\n"));
    }
    source.push_str("];\n");
    #[expect(clippy::disallowed_methods, reason = "cargo names the folder at run time only")]
    let folder = env::var("OUT_DIR")?;
    fs::write(Path::new(&folder).join("literals.rs"), source)?;
    Ok(())
}
