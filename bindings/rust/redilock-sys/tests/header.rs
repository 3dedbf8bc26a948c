//! The declarations are those of `redilock.h`: each function with its types, and each constant.

use std::collections::BTreeMap;

fn header() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/core/capi/include/redilock/redilock.h");
    without_comments(&std::fs::read_to_string(path).expect("the header"))
}

fn without_comments(text: &str) -> String {
    let code =
        |part: &str| part.split_once("*/").map_or(String::new(), |(_, code)| code.to_owned());
    let mut parts = text.split("/*");
    let first = parts.next().unwrap_or("").to_owned();
    parts.fold(first, |all, part| all + &code(part))
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A type of C as Rust writes it: `const char **` is `*mut *const c_char`.
fn rust_type(c: &str) -> String {
    let (is_const, rest) = match c.trim().strip_prefix("const ") {
        Some(rest) => (true, rest),
        None => (false, c.trim()),
    };
    let base = match rest.trim_end_matches(['*', ' ']) {
        "char" => "c_char",
        "int32_t" => "i32",
        "int64_t" => "i64",
        "uint64_t" => "u64",
        "size_t" => "usize",
        other => other,
    };
    let mut all = base.to_owned();
    for star in 0..rest.matches('*').count() {
        let pointer = if is_const && star == 0 { "*const" } else { "*mut" };
        all = format!("{pointer} {all}");
    }
    all
}

/// `const char *name` as `name: *const c_char`.
fn rust_argument(c: &str) -> String {
    let place = c.rfind([' ', '*']).expect("a type and a name") + 1;
    format!("{}: {}", &c[place..], rust_type(&c[..place]))
}

/// Functions by their names: `(arguments) -> type`.
fn functions_of_header() -> BTreeMap<String, String> {
    let header = header();
    let declarations = header.split("REDILOCK_API ").skip(1).filter(|text| !text.starts_with("__"));
    let mut all = BTreeMap::new();
    for declaration in declarations {
        let text = words(declaration.split_once(';').expect("a declaration").0);
        let text = text.trim_start_matches("REDILOCK_CHECK ");
        let (head, arguments) = text.trim_end_matches(')').split_once('(').expect("arguments");
        let place = head.rfind([' ', '*']).expect("a type") + 1;
        let arguments: Vec<_> =
            arguments.split(", ").filter(|each| *each != "void").map(rust_argument).collect();
        let result = match &head[..place] {
            "void " => String::new(),
            other => format!(" -> {}", rust_type(other)),
        };
        all.insert(head[place..].to_owned(), format!("({}){result}", arguments.join(", ")));
    }
    all
}

fn functions_declared() -> BTreeMap<String, String> {
    let source = include_str!("../src/lib.rs");
    let functions = source.split("pub fn ").skip(1);
    functions
        .map(|text| {
            let text = words(text.split_once(';').expect("a declaration").0);
            let text = text.replace("( ", "(").replace(", )", ")");
            let (name, rest) = text.split_once('(').expect("arguments");
            (name.to_owned(), format!("({rest}"))
        })
        .collect()
}

#[test]
fn each_function_is_declared_as_the_header_has_it() {
    let (header, declared) = (functions_of_header(), functions_declared());
    assert!(header.len() > 80, "{} functions", header.len());
    for (name, signature) in &header {
        assert_eq!(declared.get(name), Some(signature), "{name}");
    }
    assert_eq!(header.len(), declared.len());
}

#[test]
fn each_constant_has_its_value() {
    let source = include_str!("../src/lib.rs");
    let mut count = 0;
    for line in source.lines().filter_map(|line| line.strip_prefix("pub const ")) {
        let (name, rest) = line.split_once(": ").expect("a type");
        let value = rest.split_once(" = ").expect("a value").1.trim_end_matches(';');
        let value: i64 = value.replace('_', "").parse().expect("a number");
        let c_name = std::ffi::CString::new(name).expect("no NUL");
        let mut found = 0;
        assert_eq!(unsafe { redilock_sys::redilock_constant(c_name.as_ptr(), &mut found) }, 0);
        assert_eq!(found, value, "{name}");
        count += 1;
    }
    let header = header();
    let enumerators = header.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let mut names: Vec<_> = enumerators
        .filter(|word| word.starts_with("REDILOCK_") && !word.starts_with("REDILOCK_VERSION"))
        .filter(|word| !matches!(*word, "REDILOCK_API" | "REDILOCK_CHECK" | "REDILOCK_REDILOCK_H"))
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(count, names.len(), "{names:?}");
}
