//! Patterns. The server's engine is another one: what the two may understand differently is left
//! to the server.

use ::regex::{Error, Regex, RegexBuilder};

/// A compiled pattern may take this many bytes. One that needs more is left to the server.
const COMPILED_MAX: usize = 1 << 20;

/// A pattern that means here what it means on the server.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// What most patterns are: it is found without an engine, which would take long to make.
    Text(Plain),
    /// No pattern at all: neither `regex` nor `not_regex` matches.
    Invalid,
    Compiled(Regex),
}

impl Pattern {
    /// None if only the server can tell.
    pub fn new(pattern: &str) -> Option<Pattern> {
        if !Scanner::new(pattern).passes() {
            return None;
        }
        if let Some(text) = Plain::read(pattern) {
            return Some(Pattern::Text(text));
        }
        match RegexBuilder::new(pattern).size_limit(COMPILED_MAX).build() {
            Ok(regex) => Some(Pattern::Compiled(regex)),
            Err(Error::Syntax(_)) => Some(Pattern::Invalid),
            Err(_) => None,
        }
    }

    /// Whether it is found somewhere in the text. None for an invalid one.
    pub fn is_in(&self, text: &str) -> Option<bool> {
        match self {
            Pattern::Text(plain) => Some(plain.is_in(text)),
            Pattern::Invalid => None,
            Pattern::Compiled(regex) => Some(regex.is_match(text)),
        }
    }
}

/// A pattern that stands for one text.
#[derive(Clone, Debug)]
pub struct Plain {
    pub source: Box<str>,
    text: Box<str>,
    at_start: bool,
    at_end: bool,
}

impl Plain {
    /// Reads a pattern that is portable: what is escaped and no letter stands for itself. None for one
    /// that stands for more, or is not plain enough to tell.
    fn read(source: &str) -> Option<Plain> {
        let (at_start, mut rest) = match source.strip_prefix('^') {
            Some(rest) => (true, rest.chars()),
            None => (false, source.chars()),
        };
        let mut at_end = false;
        let mut text = String::with_capacity(source.len());
        while let Some(char) = rest.next() {
            match char {
                '$' if rest.as_str().is_empty() => at_end = true,
                '\\' => text.push(rest.next().filter(char::is_ascii_punctuation)?),
                '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' => {
                    return None;
                }
                _ => text.push(char),
            }
        }
        Some(Plain { source: source.into(), text: text.into(), at_start, at_end })
    }

    fn is_in(&self, text: &str) -> bool {
        match (self.at_start, self.at_end) {
            (true, true) => text == &*self.text,
            (true, false) => text.starts_with(&*self.text),
            (false, true) => text.ends_with(&*self.text),
            (false, false) => text.contains(&*self.text),
        }
    }
}

/// What a quantifier would apply to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The start of the pattern, of a group or of an alternative.
    Nothing,
    Atom,
    Quantifier,
    /// A quantifier with its question mark.
    Lazy,
}

/// Walks a pattern and looks for syntax that is not portable. What is wrong in both engines is
/// none of its business.
struct Scanner<'a> {
    rest: &'a [u8],
    before: Before,
    /// How many bracketed classes are open.
    classes: usize,
}

/// Not portable.
struct Foreign;

impl<'a> Scanner<'a> {
    fn new(pattern: &'a str) -> Scanner<'a> {
        Scanner { rest: pattern.as_bytes(), before: Before::Nothing, classes: 0 }
    }

    fn passes(mut self) -> bool {
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            let step = match byte {
                b'\\' => self.escape(),
                b'[' => self.open_class(),
                b']' if self.classes > 0 => {
                    self.classes -= 1;
                    self.atom()
                }
                _ if self.classes > 0 => Ok(()),
                b'(' => self.group(),
                b'|' => {
                    self.before = Before::Nothing;
                    Ok(())
                }
                b'*' | b'+' | b'?' => self.quantifier(byte),
                b'{' => self.braces(),
                b'}' => Err(Foreign),
                _ => self.atom(),
            };
            if step.is_err() {
                return false;
            }
        }
        true
    }

    fn take(&mut self, byte: u8) -> bool {
        let Some(rest) = self.rest.strip_prefix(&[byte]) else { return false };
        self.rest = rest;
        true
    }

    fn digits(&mut self) -> usize {
        let len = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = &self.rest[len..];
        len
    }

    fn atom(&mut self) -> Result<(), Foreign> {
        self.before = Before::Atom;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Foreign> {
        let Some((&escaped, rest)) = self.rest.split_first() else { return Ok(()) };
        self.rest = rest;
        match escaped {
            0x80.. | b'0'..=b'9' => return Err(Foreign),
            b'b' | b'B' | b'h' | b'H' | b'k' | b'g' | b'K' | b'G' | b'O' | b'Z' | b'e' | b'<'
            | b'>' => return Err(Foreign),
            b'A' | b'z' if self.classes > 0 => return Err(Foreign),
            // The server knows these classes. Their tables are not built in here.
            b'p' | b'P' => return Err(Foreign),
            // What is in these braces is no repetition.
            b'x' | b'u' | b'U' if self.rest.first() == Some(&b'{') => {
                let end = self.rest.iter().position(|&byte| byte == b'}');
                self.rest = end.map_or(&[], |end| &self.rest[end + 1..]);
            }
            _ => {}
        }
        self.atom()
    }

    /// A closing bracket that comes first is a member of the class.
    fn open_class(&mut self) -> Result<(), Foreign> {
        self.classes += 1;
        self.take(b'^');
        self.take(b']');
        Ok(())
    }

    fn group(&mut self) -> Result<(), Foreign> {
        self.before = Before::Nothing;
        if self.take(b'?') {
            self.flags()?;
        }
        // Repeated, a group that is empty compiles here only.
        if self.rest.first() == Some(&b')') { Err(Foreign) } else { Ok(()) }
    }

    /// Up to the colon or the parenthesis that ends the flags. Anything else behind `(?` is a kind
    /// of group that the engines do not share.
    fn flags(&mut self) -> Result<(), Foreign> {
        let (mut seen, mut off) = (Vec::new(), false);
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b':' => return Ok(()),
                b')' => {
                    let quantified = matches!(self.rest.first(), Some(b'*' | b'+' | b'?' | b'{'));
                    return if quantified { Err(Foreign) } else { Ok(()) };
                }
                b'-' => off = true,
                b'u' if off => return Err(Foreign),
                b'i' | b'm' | b's' | b'U' | b'u' if !seen.contains(&byte) => seen.push(byte),
                _ => return Err(Foreign),
            }
        }
        Ok(())
    }

    fn quantifier(&mut self, byte: u8) -> Result<(), Foreign> {
        self.before = match (self.before, byte) {
            (Before::Quantifier, b'?') => Before::Lazy,
            (Before::Quantifier | Before::Lazy, _) => return Err(Foreign),
            // Without an atom it is wrong in both engines, however often it stands there.
            (Before::Nothing, _) => Before::Nothing,
            (Before::Atom, _) => Before::Quantifier,
        };
        Ok(())
    }

    fn braces(&mut self) -> Result<(), Foreign> {
        if self.before != Before::Atom || self.digits() == 0 {
            return Err(Foreign);
        }
        if self.take(b',') {
            self.digits();
        }
        self.before = Before::Quantifier;
        if self.take(b'}') { Ok(()) } else { Err(Foreign) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_searched_for_anywhere() {
        let table = [
            ("", "anything", true),
            ("b+", "abbc", true),
            ("^b", "abc", false),
            ("c$", "abc\n", false),
            ("ABC", "abc", false),
            ("(?i)ABC", "xabcx", true),
            ("(?i:straße)", "STRAßE", true),
            (r"^\d{2,3}$", "٣٤", true),
            (r"\w\s", "é ", true),
            ("a|b*?", "zzz", true),
            (r"[]x]", "]", true),
            (r"^[^]x]$", "]", false),
            (r"@(acme|corp)\.com$", "a@corp.com", true),
            (r"\x{61}{2}", "aa", true),
            ("(?s).", "\n", true),
            (".", "\n", false),
            (r"\Aab\z", "ab", true),
            ("[a{}]", "{", true),
            ("(?i)a(?-i)b", "Ab", true),
        ];
        for (pattern, text, found) in table {
            assert_eq!(Pattern::new(pattern).unwrap().is_in(text), Some(found), "{pattern}");
        }
    }

    #[test]
    fn a_plain_text_is_found_where_an_engine_finds_it() {
        let patterns = [
            "",
            "^",
            "$",
            "^$",
            "a",
            "^a",
            "a$",
            "^a$",
            "ab",
            "^ab$",
            r"a\.b",
            r"^a\.b$",
            r"\$",
            r"\^$",
            r"\\",
            r"\\$",
            r"^\\$",
            r"\-\~\#\&\@\/",
            "é",
            "^é$",
            "a b",
            "\n",
            "-",
            "^-$",
        ];
        let texts = [
            "", "a", "ab", "aab", "abb", "a.b", "axb", "xa.b", "$", "^", "\\", "a\\", "-~#&@/",
            "-", "é", "e\u{301}", "xé", "a b", "\n", "a\n", "\na", "A",
        ];
        for pattern in patterns {
            let plain = Pattern::new(pattern).unwrap();
            assert!(matches!(plain, Pattern::Text(_)), "{pattern}: {plain:?}");
            let engine = Regex::new(pattern).unwrap();
            for text in texts {
                assert_eq!(plain.is_in(text), Some(engine.is_match(text)), "{pattern} in {text:?}");
            }
        }
    }

    #[test]
    fn invalid_patterns_are_known_as_such() {
        for pattern in ["(", ")", "[", "[z-a]", "*a", "a|+", "a{3,2}", "a\\", r"\y", "(?:a", "+*"] {
            let compiled = Pattern::new(pattern).unwrap();
            assert!(matches!(compiled, Pattern::Invalid), "{pattern}: {compiled:?}");
            assert_eq!(compiled.is_in("a"), None, "{pattern}");
        }
    }

    #[test]
    fn what_engines_do_not_share_is_left_to_the_server() {
        let foreign = [
            r"(a)\1", r"\0", r"\bword", r"\B", r"\h", r"\H", r"\k<a>", r"\g1", r"\K", r"\G", r"\O",
            r"\Z", r"\e", r"\<", r"\>", r"\é", r"[\A]", r"[\z]", r"\p{L}", r"\PL", "(?=a)",
            "(?!a)", "(?<=a)", "(?<n>a)", "(?P<n>a)", "(?x)a", "(?R)a", "(?ii)a", "(?i-i)a",
            "(?-u)a", "(?i)*", "(?i)?", "(?i){2}", "()", "()+", "(?:)", "(?i:)", "a()", "((?i))",
            "a**", "a+*", "a??*", "a?+", "a{2}+", "a{2}{3}", "a+{2}", "{", "{2}", "a{", "a{}",
            "a{,2}", "a{x}", "a{2", "a{2,x}", "a}", "}", "|{2}", "^{2}}",
        ];
        for pattern in foreign {
            assert!(Pattern::new(pattern).is_none(), "{pattern}");
        }
        // Too large to be compiled here.
        assert!(Pattern::new(r"\w{1000}").is_none());
    }
}
