"""Versions of three numbers, and ranges of them."""

import re

WHITESPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
NUMERIC_IDENTIFIER = re.compile("0|[1-9][0-9]*")


def identifier(text):
    if not NUMERIC_IDENTIFIER.fullmatch(text) or int(text) >= 2**64:
        raise ValueError(text)
    return int(text)


def without_v(text):
    text = text.strip(WHITESPACE)
    return text[1:] if text[:1] in ("v", "V") else text


def parse_version(text):
    parts = re.split("[-+]", without_v(text))[0].split(".")[:3]
    return tuple([identifier(part) for part in parts] + [0] * (3 - len(parts)))


def bounded(*version):
    """The end of a range has to be a version too."""
    if max(version) >= 2**64:
        raise ValueError(version)
    return version


def version_range(operator, text):
    if operator == "semver_tilde":
        low = parse_version(text)
        return low, bounded(low[0], low[1] + 1, 0)
    if operator == "semver_caret":
        low = parse_version(text)
        if low[0] > 0:
            return low, bounded(low[0] + 1, 0, 0)
        if low[1] > 0:
            return low, bounded(0, low[1] + 1, 0)
        return low, bounded(0, 0, low[2] + 1)
    parts = without_v(text).split(".")
    if len(parts) <= 3 and all(part == "*" for part in parts[1:]):
        major = identifier(parts[0])
        return (major, 0, 0), bounded(major + 1, 0, 0)
    if len(parts) == 3 and parts[2] == "*":
        major, minor = identifier(parts[0]), identifier(parts[1])
        return (major, minor, 0), bounded(major, minor + 1, 0)
    raise ValueError(text)
