//! The prototypes and constants of `c` are those of the header.

use std::collections::{BTreeMap, BTreeSet};

const HEADER: &str = include_str!("../../include/posthog.h");
const MINE: &str = include_str!("c.rs");

/// Each prototype of the header, from its return type to the closing parenthesis.
pub fn prototypes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let declared = HEADER.split("PH_API").filter_map(|text| text.split_once(';'));
    let functions = declared.filter_map(|(prototype, _)| prototype.split_once('('));
    functions.filter_map(|(head, parameters)| {
        let name = head.rsplit([' ', '*', '\n']).next()?;
        name.starts_with("ph_").then_some((name, parameters.trim_end_matches(')')))
    })
}

#[test]
fn every_function_is_declared_with_as_many_parameters() {
    let count = |parameters: &str| match parameters.trim() {
        "" | "void" => 0,
        some => some.split(',').count(),
    };
    let header: BTreeMap<&str, usize> =
        prototypes().map(|(name, parameters)| (name, count(parameters))).collect();
    let mine: BTreeMap<&str, usize> = MINE
        .split("safe fn ")
        .filter_map(|text| text.split_once('('))
        .filter(|(name, _)| name.starts_with("ph_"))
        .map(|(name, rest)| (name, count(rest.split_once(')').unwrap().0)))
        .collect();
    assert!(header.len() > 90, "{header:?}");
    assert_eq!(mine, header);
}

#[test]
fn every_constant_has_the_headers_value() {
    let words: Vec<&str> = HEADER.split_whitespace().collect();
    let header: BTreeSet<(&str, &str)> = words
        .windows(3)
        .filter(|it| it[0].starts_with("PH_") && it[1] == "=")
        .map(|it| (it[0], it[2].trim_end_matches(',')))
        .collect();
    assert!(header.len() > 80, "{header:?}");
    for line in MINE.lines() {
        let Some(constant) = line.strip_prefix("pub const PH_") else { continue };
        let (name, rest) = constant.split_once(": ").unwrap();
        let name = format!("PH_{name}");
        let value = rest.split_once(" = ").unwrap().1.trim_end_matches(';');
        let value = value.trim_start_matches("Status(").trim_end_matches(')');
        let defined = format!("#define {name} ");
        let Some((_, text)) = HEADER.split_once(&defined) else {
            assert!(header.contains(&(name.as_str(), value)), "{name} = {value}");
            continue;
        };
        let value = if value == "u32::MAX" { "UINT32_MAX" } else { value };
        assert_eq!(text.lines().next(), Some(value), "{name}");
    }
}
