"""Patterns that mean the same here and in the flags service."""

import re

CLASS_START = re.compile(r"\[\^?\]?")
FLAGS = re.compile(r"\(\?([imsUu]*)(?:-([imsU]*))?([:)])")
REPETITION = re.compile(r"\{[0-9]+(,[0-9]*)?\}")


def portable(pattern):
    """Whether a pattern means the same in this engine and in the flags service's."""
    at, classes, previous = 0, 0, "start"
    while at < len(pattern):
        rest = pattern[at:]
        if rest[0] == "\\":
            escaped = rest[1:2]
            if escaped and (ord(escaped) > 127 or escaped in "0123456789bBhHkgKGOZe<>pP"):
                return False
            if classes and escaped in ("A", "z"):
                return False
            braced = re.match(r"\\[xuU]\{[^}]*\}?", rest)
            at += len(braced.group()) if braced else 2
            previous = "atom"
        elif rest[0] == "[":
            at, classes = at + len(CLASS_START.match(rest).group()), classes + 1
        elif classes:
            classes -= rest[0] == "]"
            at, previous = at + 1, "atom"
        elif rest[0] == "(":
            opening = "("
            if rest[:2] == "(?":
                flags = FLAGS.match(rest)
                if flags is None:
                    return False
                names = flags.group(1) + (flags.group(2) or "")
                if len(set(names)) < len(names):
                    return False
                opening = flags.group()
                if flags.group(3) == ")" and rest[len(opening):][:1] in ("*", "+", "?", "{"):
                    return False
            at, previous = at + len(opening), "start"
            if pattern[at:at + 1] == ")":
                return False
        elif rest[0] == "|":
            at, previous = at + 1, "start"
        elif rest[0] in "*+?":
            if previous == "quantifier" and rest[0] == "?":
                previous = "lazy"
            elif previous in ("quantifier", "lazy"):
                return False
            elif previous == "atom":
                previous = "quantifier"
            at += 1
        elif rest[0] == "{":
            repetition = REPETITION.match(rest)
            if previous != "atom" or repetition is None:
                return False
            at, previous = at + len(repetition.group()), "quantifier"
        elif rest[0] == "}":
            return False
        else:
            at, previous = at + 1, "atom"
    return True


def search(pattern, text):
    """True, false, or None for an invalid pattern."""
    # `$` and `\z` are the very end, which is `\Z` here.
    translated = re.sub(r"\\.|\[[^]]*\]|\$", lambda m: {"$": r"\Z", r"\z": r"\Z"}.get(m[0], m[0]), pattern, flags=re.S)
    try:
        return re.search(translated, text) is not None
    except re.error:
        return None
