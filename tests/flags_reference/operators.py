"""Property operators, read off the rules of local evaluation one by one, with no regard to speed."""

import json
import math
import re

from dates import parse_date, relative_date
from patterns import portable, search
from versions import parse_version, version_range

EXPERIENCE_CONTINUITY = "experience_continuity"
UNSUPPORTED_DEFINITION = "unsupported_definition"
UNRESOLVED_DEPENDENCY = "unresolved_dependency"
MISSING_CONTEXT = "missing_context"
PRECEDENCE = [EXPERIENCE_CONTINUITY, UNSUPPORTED_DEFINITION, UNRESOLVED_DEPENDENCY, MISSING_CONTEXT]


class Inconclusive(Exception):
    def __init__(self, reason, server=False, regex=False):
        super().__init__(reason)
        self.reason = reason
        self.server = server
        self.regex = regex


def worse(one, other):
    return other if one is None else min(one, other, key=PRECEDENCE.index)


def unsupported(regex=False):
    return Inconclusive(UNSUPPORTED_DEFINITION, regex=regex)


# --- values ---------------------------------------------------------------------------------------

def parse_int(text):
    number = int(text)
    if text == "-0" or not -(2**63) <= number < 2**64:
        return float(text)
    return number


def parse_json(text):
    """JSON as the flags service reads it: what fits in 64 bits is an integer, the rest a double."""
    return json.loads(text, parse_int=parse_int)


def number_text(number):
    if isinstance(number, int):
        return str(number)
    text = repr(number)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    exponent = int(exponent)
    if exponent == -5:
        sign, digits = ("-", mantissa[1:]) if mantissa[0] == "-" else ("", mantissa)
        return sign + "0.0000" + digits.replace(".", "")
    return f"{mantissa}e{exponent:+d}"


def compact(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, list):
        return "[" + ",".join(compact(item) for item in value) + "]"
    members = (compact(key) + ":" + compact(value[key]) for key in sorted(value))
    return "{" + ",".join(members) + "}"


def stringify(value):
    return value if isinstance(value, str) else compact(value)


ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def ascii_lower(value):
    return stringify(value).translate(ASCII_LOWER)


def boolean_like(value):
    if isinstance(value, str):
        return value.lower() in ("true", "false")
    if isinstance(value, list):
        return all(map(boolean_like, value))
    return isinstance(value, bool)


def truthy(value):
    if isinstance(value, str):
        return value.lower() == "true"
    if isinstance(value, list):
        return all(map(truthy, value))
    return value is True


NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def numeric(value):
    """The finite number that a value is or holds, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not NUMBER.fullmatch(value):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


# --- operators ------------------------------------------------------------------------------------

NUMERIC = {
    "gt": lambda p, f: p > f,
    "gte": lambda p, f: p >= f,
    "lt": lambda p, f: p < f,
    "lte": lambda p, f: p <= f,
}
VERSION = {
    "semver_eq": lambda p, f: p == f,
    "semver_neq": lambda p, f: p != f,
    "semver_gt": lambda p, f: p > f,
    "semver_gte": lambda p, f: p >= f,
    "semver_lt": lambda p, f: p < f,
    "semver_lte": lambda p, f: p <= f,
}
VERSION_RANGE = ("semver_tilde", "semver_caret", "semver_wildcard")
TEXT = {
    "icontains": lambda p, f: f in p,
    "starts_with": lambda p, f: p.startswith(f),
    "ends_with": lambda p, f: p.endswith(f),
}
TEXT.update({"not_" + name: (lambda p, f, has=has: not has(p, f)) for name, has in list(TEXT.items())})
ABSENT = object()


def exact(wanted, given, version):
    if version != 2 and boolean_like(wanted):
        return truthy(wanted) == truthy(given)
    if wanted == []:
        return truthy(given)
    candidates = wanted if isinstance(wanted, list) else [wanted]
    return stringify(given).lower() in [stringify(one).lower() for one in candidates]


def filter_date(value, now):
    if not isinstance(value, str):
        raise unsupported()
    moment = relative_date(value, now) or parse_date(value)
    if moment is None or moment == "too long ago":
        raise unsupported()
    return moment


def match_property(operator, wanted, given, version, now):
    """Whether a property matches. A filter that cannot be used outranks a property that is absent."""
    operator = "exact" if operator is None else operator
    if operator in ("exact", "is_not"):
        return present(given) and exact(wanted, given, version) == (operator == "exact")
    if operator in ("is_set", "is_not_set"):
        return present(given) and operator == "is_set"
    if operator in TEXT:
        return present(given) and TEXT[operator](ascii_lower(given), ascii_lower(wanted))
    if operator in ("regex", "not_regex"):
        pattern = stringify(wanted)
        if not portable(pattern):
            raise unsupported(regex=True)
        found = present(given) and search(pattern, stringify(given))
        return found is not None and found == (operator == "regex")
    if operator in NUMERIC:
        bound = numeric(wanted)
        if bound is None:
            raise unsupported()
        number = present(given) and numeric(given)
        return number is not None and NUMERIC[operator](number, bound)
    if operator in ("is_date_before", "is_date_after"):
        bound = filter_date(wanted, now)
        if present(given) and given is None:
            return False
        moment = parse_date(given) if isinstance(given, str) else None
        if moment is None:
            raise Inconclusive(MISSING_CONTEXT)
        return moment < bound if operator == "is_date_before" else moment > bound
    if operator in VERSION or operator in VERSION_RANGE:
        return match_version(operator, wanted, given)
    raise unsupported()


def match_version(operator, wanted, given):
    try:
        text = stringify(wanted)
        bound = parse_version(text) if operator in VERSION else version_range(operator, text)
    except ValueError:
        raise unsupported() from None
    if present(given) and given is None:
        return False
    try:
        version = parse_version(stringify(given))
    except ValueError:
        raise Inconclusive(MISSING_CONTEXT) from None
    if operator in VERSION:
        return VERSION[operator](version, bound)
    return bound[0] <= version < bound[1]


def present(given):
    if given is ABSENT:
        raise Inconclusive(MISSING_CONTEXT)
    return True
