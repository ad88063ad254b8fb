//! An event before it is queued: everything that the short form of capture does not carry.

use crate::error::Error;
use crate::json;
use crate::props::Props;
use crate::timestamp::Timestamp;
use std::borrow::Cow;
use uuid::Uuid;

/// One event, to be filled in and captured; `before_send` sees and changes the same.
#[derive(Default)]
pub struct Event {
    name: String,
    distinct_id: String,
    pub props: Props,
    /// What the capture API takes beside the properties.
    pub options: Props,
    pub uuid: Option<Uuid>,
    pub timestamp: Option<Timestamp>,
    /// About a flag, in its short form: super properties and stamps that it does not need stay out.
    pub is_short: bool,
    /// Group type and key, each type once.
    groups: Vec<(String, String)>,
    /// Whether the properties have them all.
    groups_stamped: bool,
}

/// A name or an id: not empty, not only white space, and without NUL. Servers refuse a whole batch
/// for one that is; and one that was repaired would be somebody else's.
pub fn checked(text: &str) -> Result<&str, Error> {
    if text.trim().is_empty() {
        Err(Error::Empty)
    } else if text.contains('\0') {
        Err(Error::Utf8)
    } else {
        Ok(text)
    }
}

/// The hyphenated form; the case does not matter.
pub fn uuid(text: &str) -> Result<Uuid, Error> {
    let hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
    let uuid = Uuid::try_parse(text).ok().filter(|uuid| hyphenated && !uuid.is_nil());
    uuid.ok_or(Error::Uuid)
}

impl Event {
    pub fn new(distinct_id: &str, name: &str) -> Result<Event, Error> {
        Ok(Event {
            name: checked(name)?.to_owned(),
            distinct_id: checked(distinct_id)?.to_owned(),
            props: Props::new(),
            options: Props::new(),
            uuid: None,
            timestamp: None,
            is_short: false,
            groups: Vec::new(),
            groups_stamped: false,
        })
    }

    /// An event whose details are the text of a JSON object.
    pub fn from_json(distinct_id: &str, name: &str, details: &[u8]) -> Result<Event, Error> {
        let mut event = Event::new(distinct_id, name)?;
        let mut all = Props::new();
        all.set_members(details)?;
        event.props.add_repairs(all.repairs());
        for member in json::members(all.text()) {
            match member.key {
                b"uuid" => event.set_uuid(&string(member.value)?)?,
                b"timestamp" => event.set_timestamp(&string(member.value)?)?,
                b"properties" => event.props.set_members(member.value)?,
                b"set" => event.set_object("$set", member.value)?,
                b"set_once" => event.set_object("$set_once", member.value)?,
                b"groups" => event.set_groups(member.value)?,
                b"options" => event.options.set_members(member.value)?,
                _ => return Err(Error::Json),
            }
        }
        Ok(event)
    }

    fn set_object(&mut self, key: &str, object: &[u8]) -> Result<(), Error> {
        let mut members = Props::new();
        members.set_members(object)?;
        self.props.set_object(key, &members)
    }

    fn set_groups(&mut self, object: &[u8]) -> Result<(), Error> {
        let mut groups = Props::new();
        groups.set_members(object)?;
        for group in json::members(groups.text()) {
            let (group_type, key) = (json::read_text(group.key), string(group.value)?);
            if group_type.contains('\u{FFFD}') || key.contains('\u{FFFD}') {
                // Repaired, which values may be, but not what tells one group from another.
                return Err(Error::Utf8);
            }
            self.set_group(&group_type, &key)?;
        }
        Ok(())
    }

    /// A copy; fails where `clone` would abort over the properties.
    pub fn try_clone(&self) -> Result<Event, Error> {
        Ok(Event {
            name: self.name.clone(),
            distinct_id: self.distinct_id.clone(),
            props: self.props.try_clone()?,
            options: self.options.try_clone()?,
            uuid: self.uuid,
            timestamp: self.timestamp,
            is_short: self.is_short,
            groups: self.groups.clone(),
            groups_stamped: self.groups_stamped,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn distinct_id(&self) -> &str {
        &self.distinct_id
    }

    pub fn set_name(&mut self, name: &str) -> Result<(), Error> {
        self.name = checked(name)?.to_owned();
        Ok(())
    }

    pub fn set_distinct_id(&mut self, distinct_id: &str) -> Result<(), Error> {
        self.distinct_id = checked(distinct_id)?.to_owned();
        Ok(())
    }

    /// The hyphenated form; the case does not matter.
    pub fn set_uuid(&mut self, text: &str) -> Result<(), Error> {
        self.uuid = Some(self::uuid(text)?);
        Ok(())
    }

    pub fn set_timestamp(&mut self, text: &str) -> Result<(), Error> {
        self.timestamp = Some(Timestamp::parse(text).ok_or(Error::Timestamp)?);
        Ok(())
    }

    pub fn set_unix_millis(&mut self, millis: i64) -> Result<(), Error> {
        self.timestamp = Some(Timestamp::from_unix_millis(millis).ok_or(Error::Timestamp)?);
        Ok(())
    }

    /// The event happened in this group.
    pub fn set_group(&mut self, group_type: &str, key: &str) -> Result<(), Error> {
        let (group_type, key) = (checked(group_type)?, checked(key)?.to_owned());
        match self.groups.iter_mut().find(|(known, _)| known == group_type) {
            Some(group) => group.1 = key,
            None => self.groups.push((group_type.to_owned(), key)),
        }
        self.groups_stamped = false;
        Ok(())
    }

    /// Writes `$groups`, and `$group_0` to `$group_4` for the types that have an index.
    pub fn stamp_groups(&mut self, indices: &[Option<String>; 5]) -> Result<(), Error> {
        if self.groups.is_empty() || self.groups_stamped {
            return Ok(());
        }
        let mut groups = Props::new();
        for (group_type, key) in &self.groups {
            groups.set_str(group_type, key.as_bytes())?;
            let index = indices.iter().position(|known| known.as_ref() == Some(group_type));
            if let Some(index) = index {
                self.props.set_str(format!("$group_{index}"), key.as_bytes())?;
            }
        }
        self.props.set_object("$groups", &groups)?;
        self.groups_stamped = true;
        Ok(())
    }
}

/// What the canonical text of a JSON string stands for.
fn string(value: &[u8]) -> Result<Cow<'_, str>, Error> {
    let inside = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    Ok(json::read_text(inside.ok_or(Error::Json)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(event: &Event) -> String {
        String::from_utf8(event.props.text().to_vec()).unwrap()
    }

    #[test]
    fn names_and_ids_must_not_be_blank() {
        for blank in ["", " ", "\t\n"] {
            assert_eq!(Event::new(blank, "e").err(), Some(Error::Empty));
            assert_eq!(Event::new("u", blank).err(), Some(Error::Empty));
        }
    }

    #[test]
    fn groups_carry_an_index_where_the_type_has_one() {
        let mut event = Event::new("u", "e").unwrap();
        event.set_group("company", "old").unwrap();
        event.set_group("company", "acme").unwrap();
        event.set_group("team", "core").unwrap();
        let mut indices = [const { None }; 5];
        indices[3] = Some("company".to_owned());
        event.stamp_groups(&indices).unwrap();
        assert_eq!(text(&event), r#""$group_3":"acme","$groups":{"company":"acme","team":"core"}"#);
    }

    #[test]
    fn only_hyphenated_uuids_are_taken() {
        let mut event = Event::new("u", "e").unwrap();
        assert_eq!(event.set_uuid("0194CC39-1f25-7000-8000-000000000001"), Ok(()));
        for bad in ["", "0194cc391f2570008000000000000001", "00000000-0000-0000-0000-000000000000"]
        {
            assert_eq!(event.set_uuid(bad), Err(Error::Uuid), "{bad}");
        }
    }

    #[test]
    fn details_are_taken_from_json() {
        let details = br#"{"uuid":"0194CC39-1f25-7000-8000-000000000001",
            "timestamp":"2026-11-20T10:00:00.5+01:00", "properties":{"a":1e999},
            "set":{"b":true}, "set_once":{"c":null}, "groups":{"company":"ac\u006de"},
            "options":{"novel":[1]}}"#;
        let mut event = Event::from_json("u", "e", details).unwrap();
        event.stamp_groups(&[const { None }; 5]).unwrap();
        let all =
            r#""a":null,"$set":{"b":true},"$set_once":{"c":null},"$groups":{"company":"acme"}"#;
        assert_eq!(text(&event), all);
        assert_eq!(event.props.repairs(), 1);
        assert_eq!(event.options.text(), br#""novel":[1]"#);
        assert_eq!(event.uuid.unwrap().to_string(), "0194cc39-1f25-7000-8000-000000000001");
        assert_eq!(event.timestamp.unwrap().unix_millis(), 1_795_165_200_500);
    }

    #[test]
    fn details_that_are_none_are_refused() {
        for (details, error) in [
            (&b"[]"[..], Error::Json),
            (b"{\"propertys\":{}}", Error::Json),
            (b"{\"properties\":1}", Error::Json),
            (b"{\"uuid\":1}", Error::Json),
            (b"{\"uuid\":\"1\"}", Error::Uuid),
            (b"{\"timestamp\":\"now\"}", Error::Timestamp),
            (b"{\"groups\":{\"company\":7}}", Error::Json),
            (b"{\"groups\":{\"company\":\" \"}}", Error::Empty),
            (b"{\"groups\":{\"company\":\"\xFF\"}}", Error::Utf8),
            (b"{\"groups\":{\"a\\u0000\":\"b\"}}", Error::Utf8),
        ] {
            let got = Event::from_json("u", "e", details).err();
            assert_eq!(got, Some(error), "{}", String::from_utf8_lossy(details));
        }
    }
}
