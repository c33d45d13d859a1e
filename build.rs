//! Turns the data files into tables: reading them at each start would take longer than the scan.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use toml::{Table, Value};

// The one place where literals come from, for the build and for own rules alike.
#[path = "src/rules/filing.rs"]
mod filing;
#[path = "src/rules/literals.rs"]
mod literals;
#[path = "src/rules/loose.rs"]
mod loose;

/// The packs in the order of the contract's categories.
const PACKS: [&str; 6] = ["auth", "crypto", "shell", "deserialization", "path", "input"];

/// The rule whose patterns are shapes of secrets.
const PROVIDER_TOKEN: &str = "crypto/provider-token";

/// What words speak of, in the order of `classify::vocabulary`.
const SUBJECTS: [&str; 7] =
    ["auth", "crypto", "shell", "deserialization", "path", "guard", "routine"];

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    println!("cargo::rerun-if-changed=src/rules/literals.rs");
    println!("cargo::rerun-if-changed=src/rules/filing.rs");
    println!("cargo::rerun-if-changed=src/rules/loose.rs");
    println!("cargo::rerun-if-changed=src/rules/frequent.txt");
    let languages = read("src/rules/languages.toml")?;
    let secrets = read("src/redact/secrets.toml")?;
    let packs = packs(&secrets)?;
    let mut patterns = Patterns::default();
    let packs_table = table_of_packs(&packs, &languages, &mut patterns)?;
    write("packs.rs", packs_table + &format!("static PATTERNS: &str = {:?};\n", patterns.texts))?;
    let language = |name: &str, value: &Value| language(name, value, &mut patterns.automata);
    write("languages.rs", table("LANGUAGES", "LanguageData", &languages, language)?)?;
    write("automata", &patterns.automata)?;
    write("literals.rs", &table_of_literals(&required(&packs)?)?)?;
    write("words.rs", &table_of_words(&read("src/classify/vocabulary.toml")?)?)?;
    write("weights.rs", &table_of_weights(&read("src/classify/weights.toml")?)?)?;
    write(
        "reasons.rs",
        &list("REASONS", "ReasonData", &read("src/change/skip.toml")?["reason"], reason)?,
    )?;
    write("shapes.rs", &list("SHAPES", "ShapeData", &secrets["secret"], shape)?)?;
    Ok(())
}

fn read(path: &str) -> Outcome<Table> {
    println!("cargo::rerun-if-changed={path}");
    Ok(toml::from_str(&fs::read_to_string(path)?).map_err(|error| format!("{path}: {error}"))?)
}

fn write(name: &str, content: impl AsRef<[u8]>) -> Outcome<()> {
    #[expect(clippy::disallowed_methods, reason = "cargo names the folder at run time only")]
    let folder = env::var("OUT_DIR")?;
    Ok(fs::write(Path::new(&folder).join(name), content)?)
}

/// A table of named entries as a static of a type.
fn table(
    name: &str,
    of: &str,
    entries: &Table,
    mut entry: impl FnMut(&str, &Value) -> Outcome<String>,
) -> Outcome<String> {
    let each: Outcome<Vec<String>> = entries.iter().map(|(key, value)| entry(key, value)).collect();
    Ok(format!("static {name}: &[{of}] = &[\n{}\n];\n", each?.join(",\n")))
}

/// The same of a list.
fn list(
    name: &str,
    of: &str,
    entries: &Value,
    entry: impl Fn(&Value) -> Outcome<String>,
) -> Outcome<String> {
    let each: Outcome<Vec<String>> = elements(entries).map(entry).collect();
    Ok(format!("static {name}: &[{of}] = &[\n{}\n];\n", each?.join(",\n")))
}

fn language(name: &str, value: &Value, automata: &mut Vec<u8>) -> Outcome<String> {
    let [globs, comments, keywords] =
        ["globs", "comments", "keywords"].map(|key| texts(value.get(key)));
    let heads = value.get("function").into_iter().flat_map(elements);
    let heads = heads.map(|pattern| head(text(pattern)?, automata));
    let heads = heads.collect::<Outcome<Vec<_>>>()?.join(", ");
    Ok(format!(
        "LanguageData {{ name: {name:?}, globs: {globs}, comments: {comments}, heads: &[{heads}], keywords: {keywords} }}"
    ))
}

fn head(pattern: &str, automata: &mut Vec<u8>) -> Outcome<String> {
    let required = literals::required(pattern).map_or(Vec::new(), |required| required.texts);
    let literal = |text: &Vec<u8>| {
        let (bare, rarest, bounds) = literals::sought(text);
        format!("(&{bare:?}, {rarest}, {bounds:?})")
    };
    let literals: Vec<String> = required.iter().map(literal).collect();
    let literals = literals.join(", ");
    let automaton = automaton(pattern, automata)?;
    Ok(format!(
        "HeadData {{ pattern: {pattern:?}, literals: &[{literals}], automaton: {automaton} }}"
    ))
}

fn reason(value: &Value) -> Outcome<String> {
    let (globs, except) = (texts(value.get("globs")), texts(value.get("except")));
    let name = variant("Skip", &value["name"])?;
    Ok(format!("ReasonData {{ skip: {name}, globs: {globs}, except: {except} }}"))
}

fn shape(value: &Value) -> Outcome<String> {
    let (name, pattern) = (text(&value["name"])?, text(&value["pattern"])?);
    let bare = |literal: &Vec<u8>| format!("&{:?}", literals::bare(literal));
    let literals = literals::required(pattern);
    let literals = literals.map(|set| set.texts.iter().map(bare).collect::<Vec<_>>());
    let literals = literals.map_or("None".to_owned(), |set| format!("Some(&[{}])", set.join(", ")));
    Ok(format!("ShapeData {{ name: {name:?}, pattern: {pattern:?}, literals: {literals} }}"))
}

fn packs(secrets: &Table) -> Outcome<Vec<(&'static str, Table)>> {
    let pack = |&name| {
        let mut pack = read(&format!("src/rules/packs/{name}.toml"))?;
        let rules = pack.get_mut("rule").and_then(Value::as_array_mut).into_iter().flatten();
        for rule in rules.filter(|rule| rule["id"].as_str() == Some(PROVIDER_TOKEN)) {
            rule["patterns"] = provider_tokens(secrets);
        }
        Ok((name, pack))
    };
    PACKS.iter().map(pack).collect()
}

/// The patterns of tokens that are a finding in themselves: what is redacted is also what is found.
fn provider_tokens(secrets: &Table) -> Value {
    let of_provider =
        |shape: &&Value| shape.get("provider").is_some_and(|told| told.as_bool() == Some(true));
    elements(&secrets["secret"])
        .filter(of_provider)
        .map(|shape| shape["pattern"].clone())
        .collect::<Vec<_>>()
        .into()
}

/// What patterns are made of, each one behind the other.
#[derive(Default)]
struct Patterns {
    /// Those of the packs as they are written.
    texts: String,
    /// The automata of these and of what begins a function.
    automata: Vec<u8>,
}

/// The packs as a static; their patterns are added to the others.
fn table_of_packs(
    packs: &[(&str, Table)],
    languages: &Table,
    patterns: &mut Patterns,
) -> Outcome<String> {
    let mut source = String::from("static PACKS: &[PackData] = &[\n");
    for (name, pack) in packs {
        let title = text(&pack["title"])?;
        writeln!(source, "PackData {{ category: {name:?}, title: {title:?}, rules: &[")?;
        for entry in elements(&pack["rule"]) {
            writeln!(source, "{},", rule(entry, languages, patterns)?)?;
        }
        source.push_str("] },\n");
    }
    source.push_str("];\n");
    Ok(source)
}

/// What each pattern needs of a text; they are numbered in the order of the packs.
fn required(packs: &[(&str, Table)]) -> Outcome<Vec<Option<literals::Required>>> {
    let rules = packs.iter().flat_map(|(_, pack)| elements(&pack["rule"]));
    let patterns = rules.flat_map(|rule| elements(&rule["patterns"]));
    patterns.map(|pattern| Ok(literals::required(text(pattern)?))).collect()
}

/// The literals of all patterns, and what else each of these needs.
fn table_of_literals(required: &[Option<literals::Required>]) -> Outcome<String> {
    let mut whose: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    let (mut always, mut leads, mut also) = (Vec::new(), Vec::new(), Vec::new());
    let (mut texts, mut pieces) = (Vec::new(), Vec::new());
    for (number, required) in required.iter().enumerate() {
        let further = required.as_ref().map_or(&[][..], |required| &required.also);
        leads.push(required.as_ref().is_some_and(|required| required.leads));
        also.push((pieces.len(), further.len()));
        for text in further {
            let (bare, rarest, bounds) = literals::sought(text);
            let (start, length) = (texts.len(), bare.len());
            pieces.push(format!(
                "Piece {{ start: {start}, length: {length}, rarest: {rarest}, bounds: {bounds:?} }}"
            ));
            texts.extend(bare);
        }
        match required {
            Some(required) => {
                required.texts.iter().for_each(|text| whose.entry(text).or_default().push(number));
            }
            None => always.push(number),
        }
    }
    let mut filed: Vec<_> =
        whose.into_iter().map(|(text, patterns)| (filing::filed(text), patterns)).collect();
    filed.sort_by_key(|(filed, _)| filing::drawer(filed.word));
    let (mut entries, mut words, mut owners) = (String::new(), Vec::new(), Vec::new());
    let (mut starts, mut of_pattern) =
        (vec![Vec::new(); filing::DRAWERS], vec![Vec::new(); required.len()]);
    for (at, (filed, patterns)) in filed.into_iter().enumerate() {
        let filing::Filed { word, at: within, other, other_at, bare, begins, ends } = filed;
        writeln!(
            entries,
            "Entry {{ text: {}, other: {other}, patterns: {}, owners: {}, at: {within}, \
             other_at: {other_at}, length: {}, begins: {begins}, ends: {ends} }},",
            texts.len(),
            owners.len(),
            patterns.len(),
            bare.len(),
        )?;
        starts[filing::drawer(word)].push(at);
        patterns.iter().for_each(|&pattern| of_pattern[pattern].push(at));
        words.push(word);
        texts.extend(bare);
        owners.extend(patterns);
    }
    let (starts, _) = listed(&starts);
    let (of_pattern, literals) = listed(&of_pattern);
    let pieces = pieces.join(",\n");
    Ok(format!(
        "static ALWAYS: &[u32] = &{always:?};\n\
         static LITERALS: Table = Table {{\n\
         starts: Cow::Borrowed(&{starts:?}),\n\
         words: Cow::Borrowed(&{words:?}),\n\
         entries: Cow::Borrowed(&[\n{entries}]),\n\
         texts: Cow::Borrowed(&{texts:?}),\n\
         patterns: Cow::Borrowed(&{owners:?}),\n\
         literals: Cow::Borrowed(&{literals:?}),\n\
         of_pattern: Cow::Borrowed(&{of_pattern:?}),\n\
         leads: Cow::Borrowed(&{leads:?}),\n\
         also: Cow::Borrowed(&{also:?}),\n\
         pieces: Cow::Borrowed(&[\n{pieces}]),\n\
         }};\n"
    ))
}

/// The lists as one, with the place where each begins in it and one past the last.
fn listed(lists: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
    let ends = lists.iter().scan(0, |end, list| {
        *end += list.len();
        Some(*end)
    });
    ([0].into_iter().chain(ends).collect(), lists.concat())
}

/// All words in the order of their text; of a word that stands twice in a subject the first counts.
fn table_of_words(vocabulary: &Table) -> Outcome<String> {
    let mut words: BTreeMap<(String, &str), [u8; SUBJECTS.len()]> = BTreeMap::new();
    let place = |word: &str| match (word.strip_prefix('*'), word.strip_suffix('*')) {
        (Some(_), _) => (word.trim_matches('*').to_owned(), "Within"),
        (None, Some(stem)) => (stem.to_owned(), "Stem"),
        (None, None) => (word.to_owned(), "Whole"),
    };
    for (at, subject) in SUBJECTS.iter().enumerate() {
        for (level, hundredths) in [("strong", 100), ("some", 60), ("weak", 25)] {
            let listed = vocabulary[*subject].get(level).map_or(Ok(""), text)?;
            for word in listed.split_whitespace() {
                let weight = &mut words.entry(place(word)).or_default()[at];
                *weight = (*weight).max(hundredths);
            }
        }
    }
    for word in text(&vocabulary["unrelated"]["words"])?.split_whitespace() {
        words.entry(place(word)).or_default();
    }
    let (mut texts, mut entries) = (String::new(), String::new());
    for ((word, kind), weights) in words {
        let (start, length) = (texts.len(), word.len());
        writeln!(
            entries,
            "Word {{ start: {start}, length: {length}, kind: Kind::{kind}, hundredths: {weights:?} }},"
        )?;
        texts.push_str(&word);
    }
    Ok(format!("static TEXTS: &str = {texts:?};\nstatic WORDS: &[Word] = &[\n{entries}];\n"))
}

fn table_of_weights(weights: &Table) -> Outcome<String> {
    let mut source = String::from("static WEIGHTS: &[(&str, f32)] = &[\n");
    for (name, weight) in weights {
        let weight =
            weight.as_float().ok_or_else(|| format!("the weight of {name} is no number"))?;
        writeln!(source, "({name:?}, {weight:?}),")?;
    }
    source.push_str("];\n");
    Ok(source)
}

fn rule(rule: &Value, languages: &Table, all: &mut Patterns) -> Outcome<String> {
    let mut bits = 0u64;
    for name in rule.get("languages").into_iter().flat_map(elements) {
        let known = languages.keys().position(|key| Some(key.as_str()) == name.as_str());
        bits |= 1 << known.ok_or_else(|| format!("there is no language {name}"))?;
    }
    let sides = match rule.get("sides") {
        Some(sides) => {
            elements(sides).map(|side| variant("Side", side)).collect::<Outcome<Vec<_>>>()?
        }
        None => vec!["Side::Added".to_owned(), "Side::Removed".to_owned()],
    };
    let patterns = rule.get("patterns").into_iter().flat_map(elements);
    let patterns = patterns.map(|written| pattern(text(written)?, all));
    let patterns = patterns.collect::<Outcome<Vec<_>>>()?.join(", ");
    let flag = |key: &str| rule.get(key).and_then(Value::as_bool).unwrap_or(false);
    Ok(format!(
        "RuleData {{ id: {:?}, title: {:?}, languages: {bits}, globs: {}, patterns: &[{patterns}], \
         sides: &[{}], weight: {:?}, severity: {}, cwe: {}, explicit: {}, tokens: {}, comments: {}, multiline: {} }}",
        text(&rule["id"])?,
        text(&rule["title"])?,
        texts(rule.get("globs")),
        sides.join(", "),
        rule.get("weight").and_then(Value::as_float).unwrap_or(0.5),
        rule.get("severity")
            .map_or(Ok("Severity::Medium".to_owned()), |word| variant("Severity", word))?,
        texts(rule.get("cwe")),
        flag("explicit"),
        flag("tokens"),
        flag("comments"),
        flag("multiline"),
    ))
}

fn pattern(written: &str, all: &mut Patterns) -> Outcome<String> {
    let automaton = automaton(written, &mut all.automata)?;
    let (start, length) = (all.texts.len(), written.len());
    all.texts.push_str(written);
    Ok(format!("PatternData {{ start: {start}, length: {length}, automaton: {automaton} }}"))
}

/// Adds the automaton of a pattern to the list of all, and tells where it stands there.
fn automaton(pattern: &str, automata: &mut Vec<u8>) -> Outcome<String> {
    let made = loose::automaton(pattern);
    let made = made.map_err(|error| format!("the pattern {pattern}: {error}"))?;
    let Some(loose::Loose { exact, starts, begins, classes, end, states, cells }) = made else {
        return Ok("None".to_owned());
    };
    let offset = automata.len();
    automata.extend(classes);
    automata
        .extend([&states, &cells].into_iter().flatten().flatten().flat_map(|it| it.to_le_bytes()));
    let (states, cells) = (states.len(), cells.len());
    Ok(format!(
        "Some(AutomatonData {{ offset: {offset}, states: {states}, cells: {cells}, \
         starts: {starts:?}, begins: {begins:?}, end: {end}, exact: {exact} }})"
    ))
}

/// A word of the data as a variant of a type: `high` as `Severity::High`.
fn variant(of: &str, word: &Value) -> Outcome<String> {
    let word = text(word)?;
    let (first, rest) = word.split_at_checked(1).ok_or("an empty word")?;
    Ok(format!("{of}::{}{rest}", first.to_uppercase()))
}

fn text(value: &Value) -> Outcome<&str> {
    value.as_str().ok_or_else(|| format!("{value} is no text").into())
}

fn texts(value: Option<&Value>) -> String {
    let each = value.into_iter().flat_map(elements).filter_map(Value::as_str);
    format!("&{:?}", each.collect::<Vec<_>>())
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
