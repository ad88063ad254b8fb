//! Conditions: filters that all have to match, and a share of those whom they match.

use super::filter::{Compiler, Filter};
use super::reason::Unusable;
use super::tree::{Json, Object};

/// One condition of a flag.
#[derive(Debug)]
pub struct Condition {
    pub target: Target,
    pub filters: Box<[Filter]>,
    /// Up to where a draw is rolled out. None: to everyone.
    pub bound: Option<f64>,
    /// The variant that it gives to whomever it matches.
    pub variant: Option<u32>,
}

/// Whom a condition is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Whoever the flag is about.
    Same,
    Person,
    Group(u32),
    /// A group type that is not known.
    Nobody,
}

/// What a group type's index stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aggregation {
    Absent,
    Person,
    Group(u32),
    /// An index that the definitions do not name.
    Unnamed,
}

impl Aggregation {
    /// Reads the aggregation of a flag or of a condition. `group_types` finds the group type.
    pub fn read(
        owner: &Object<'_>,
        group_types: &dyn Fn(&str) -> Option<u32>,
    ) -> Result<Aggregation, Unusable> {
        match owner.get("aggregation_group_type_index") {
            None => Ok(Aggregation::Absent),
            Some(Json::Null) => Ok(Aggregation::Person),
            Some(Json::Number(index)) if !index.is_f64() => {
                let group = group_types(&index.to_string());
                Ok(group.map_or(Aggregation::Unnamed, Aggregation::Group))
            }
            Some(_) => Err(Unusable::new("the group type's index is not an integer")),
        }
    }
}

/// Reads a percentage as a bound on draws. None: there is none, or everyone is below it.
pub fn bound(percentage: Option<&Json<'_>>) -> Result<Option<f64>, Unusable> {
    let percentage = match percentage {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Number(number)) => number.as_f64(),
        Some(_) => None,
    };
    let percentage = percentage.ok_or_else(|| Unusable::new("a percentage is not a number"))?;
    // A draw is never above 1.
    Ok((percentage < 100.0).then_some(percentage / 100.0))
}

/// A list that may be absent or null.
pub fn list<'v, 'j>(owner: &'v Object<'j>, name: &str) -> Result<&'v [Json<'j>], Unusable> {
    match owner.get(name) {
        None | Some(Json::Null) => Ok(&[]),
        Some(Json::List(values)) => Ok(values),
        Some(_) => Err(Unusable::new(format!("{name:?} is not a list"))),
    }
}

/// An object of such a list.
pub fn object<'v, 'j>(value: &'v Json<'j>) -> Result<&'v Object<'j>, Unusable> {
    match value {
        Json::Object(members) => Ok(members),
        _ => Err(Unusable::new("an entry of a list is not an object")),
    }
}

impl Compiler<'_> {
    /// Compiles a condition of a flag that is about `flag`, and has `variants`.
    pub fn condition(
        &mut self,
        condition: &Json<'_>,
        flag: Aggregation,
        group_types: &dyn Fn(&str) -> Option<u32>,
        variants: &[&str],
    ) -> Result<Condition, Unusable> {
        let condition = object(condition)?;
        let target = match Aggregation::read(condition, group_types)? {
            Aggregation::Absent => Target::Same,
            own if own == flag => Target::Same,
            Aggregation::Person if flag == Aggregation::Absent => Target::Same,
            Aggregation::Person => Target::Person,
            Aggregation::Group(group) => Target::Group(group),
            Aggregation::Unnamed => Target::Nobody,
        };
        let filters = list(condition, "properties")?.iter();
        let filters = filters.map(|filter| Ok(self.filter(object(filter)?)));
        let variant = match condition.get("variant") {
            None | Some(Json::Null) => None,
            Some(Json::String(name)) => variants.iter().position(|variant| variant == name),
            Some(_) => return Err(Unusable::new("a condition's variant is not a string")),
        };
        Ok(Condition {
            target,
            filters: filters.collect::<Result<_, _>>()?,
            bound: bound(condition.get("rollout_percentage"))?,
            variant: variant.map(|index| index as u32),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_not_rounded() {
        let read = |text: &str| bound(Some(&serde_json::from_str(text).unwrap())).ok();
        assert_eq!(read("0.1"), Some(Some(0.1 / 100.0)));
        assert_eq!(read("0"), Some(Some(0.0)));
        assert_eq!(read("99.99999999999999"), Some(Some(99.99999999999999 / 100.0)));
        assert_eq!(read("100"), Some(None));
        assert_eq!(read("150.5"), Some(None));
        assert_eq!(read("null"), Some(None));
        assert_eq!(read(r#""50""#), None);
        assert_eq!(read("true"), None);
        assert_eq!(bound(None).ok(), Some(None));
    }
}
