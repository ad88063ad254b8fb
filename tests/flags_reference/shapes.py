"""What parts of a definition have to be like."""

from operators import unsupported


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def expect(condition):
    """What a definition has to be like, or else it is unsupported."""
    if not condition:
        raise unsupported()


def listed(owner, name):
    value = owner.get(name)
    expect(value is None or isinstance(value, list))
    return value or []


def switch(owner, name):
    expect(owner.get(name) in (None, True, False) and not is_number(owner.get(name)))
    return owner.get(name) is True


def misshapen(one):
    shaped = one.get("operator") == "flag_evaluates_to" and one.get("value") is not None
    return not shaped or one.get("key") in (None, "")


def is_group(entry):
    if not isinstance(entry, dict):
        return False
    return entry == {} or "values" in entry or entry.get("type") in ("AND", "OR")


def well_formed(group):
    if not isinstance(group, dict):
        return False
    return group == {} or (group.get("type") in ("AND", "OR") and isinstance(group.get("values"), list))


def entries(group):
    """Everything in a group that is no group. None for what is malformed."""
    if not well_formed(group):
        yield None
        return
    for entry in group.get("values", []):
        if is_group(entry):
            yield from entries(entry)
        elif isinstance(entry, dict) and isinstance(entry.get("negation"), (bool, type(None))):
            yield entry
        else:
            yield None
