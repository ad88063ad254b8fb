"""A second evaluator of feature flags, written from the rules alone, to compare the first with.

It reads definitions as they are sent, compiles nothing, remembers nothing, and shares no code with
the library. Where the rules leave a choice, README.md says what both chose.
"""

import hashlib

from operators import (
    ABSENT,
    EXPERIENCE_CONTINUITY,
    MISSING_CONTEXT,
    UNRESOLVED_DEPENDENCY,
    UNSUPPORTED_DEFINITION,
    Inconclusive,
    match_property,
    parse_json,
    stringify,
    worse,
)
from shapes import (
    entries,
    expect,
    is_group,
    is_integer,
    is_number,
    listed,
    misshapen,
    switch,
    well_formed,
)


def sha1_60(text):
    return int(hashlib.sha1(text.encode()).hexdigest()[:15], 16) / float(0xFFFFFFFFFFFFFFF)


class Person:
    def __init__(self, subject):
        self.distinct_id = subject["distinct_id"]
        self.device_id = subject.get("device_id")
        self.properties = {"distinct_id": self.distinct_id, **subject["person_properties"]}
        self.groups = subject["groups"]
        self.contexts = subject["evaluation_contexts"]
        self.now = subject["now"] // 1000, subject["now"] % 1000 * 1_000_000
        self.group_properties = {
            name: {"$group_key": key, **subject["group_properties"].get(name, {})}
            for name, key in self.groups.items()
        }


class Reference:
    def __init__(self, definitions):
        flags = [flag for flag in definitions["flags"] if flag.get("deleted") is not True]
        self.flags = {flag["key"]: flag for flag in flags}
        self.cohorts = definitions.get("cohorts") or {}
        self.group_types = definitions.get("group_type_mapping") or {}
        self.version = definitions.get("property_matching_version")

    # --- a flag -----------------------------------------------------------------------------------

    def outcome(self, key, person):
        """(value, why, condition, payload), (reason, requires server), or None for other contexts."""
        if not self.in_context(self.flags[key], person):
            return None
        try:
            value, why, condition = self.evaluate(self.flags[key], person)
        except Inconclusive as error:
            return error.reason, error.server
        return value, why, condition, self.payload(self.flags[key], value)

    def in_context(self, flag, person):
        contexts = flag.get("evaluation_contexts")
        if contexts is None:
            contexts = flag.get("evaluation_tags")
        return not contexts or not person.contexts or bool(set(contexts) & set(person.contexts))

    def payload(self, flag, value):
        if value is False:
            return None
        payloads = flag["filters"].get("payloads") or {}
        payload = payloads.get("true" if value is True else value)
        if isinstance(payload, str):
            try:
                return parse_json(payload)
            except ValueError:
                pass
        return payload

    def evaluate(self, flag, person):
        if not switch(flag, "active"):
            return False, "flag_disabled", None
        if switch(flag, "ensure_experience_continuity"):
            raise Inconclusive(EXPERIENCE_CONTINUITY)
        filters = flag.get("filters")
        filters = {} if filters is None else filters
        self.check(flag, filters)
        index = filters.get("aggregation_group_type_index")
        if index is not None:
            group = self.group_name(index)
            expect(group is not None)
            if group not in person.groups:
                return False, "no_group_type", None
            bucket, properties = person.groups[group], person.group_properties[group]
        else:
            try:
                bucket, properties = self.person_bucket(flag, filters, person), person.properties
            except Inconclusive as error:
                raise self.stopped(flag, error) from None
        if switch(filters, "feature_enrollment"):
            return self.enrollment(flag, index, properties)
        held_out = self.holdout(filters, bucket)
        if held_out is not None:
            return held_out, "holdout_condition_value", None
        return self.conditions(flag, filters, person, bucket, properties)

    def check(self, flag, filters):
        """What is malformed makes the whole flag unsupported, wherever it stands."""
        expect(isinstance(filters, dict))
        version = filters.get("version")
        expect(version is None or (is_number(version) and version < 2))
        index = filters.get("aggregation_group_type_index")
        expect(index is None or (is_integer(index) and self.group_name(index) is not None))
        by = flag.get("bucketing_identifier") or filters.get("bucketing_identifier")
        expect(by in (None, "", "device_id", "distinct_id"))
        for name in ("early_exit", "feature_enrollment"):
            switch(filters, name)
        expect(isinstance(filters.get("payloads"), (dict, type(None))))
        self.check_holdout(filters.get("holdout"))
        multivariate = filters.get("multivariate")
        expect(isinstance(multivariate, (dict, type(None))))
        for variant in listed(multivariate or {}, "variants"):
            expect(isinstance(variant, dict))
            expect(isinstance(variant.get("key"), str) and variant["key"] != "")
            expect(is_number(variant.get("rollout_percentage")))
        for condition in listed(filters, "groups"):
            expect(isinstance(condition, dict))
            index = condition.get("aggregation_group_type_index")
            expect(index is None or is_integer(index))
            percentage = condition.get("rollout_percentage")
            expect(percentage is None or is_number(percentage))
            expect(isinstance(condition.get("variant"), (str, type(None))))
            expect(all(isinstance(one, dict) for one in listed(condition, "properties")))

    def check_holdout(self, holdout):
        expect(isinstance(holdout, (dict, type(None))))
        id, percentage = (holdout or {}).get("id"), (holdout or {}).get("exclusion_percentage")
        if id is not None and percentage is not None:
            expect(is_number(percentage) and (is_number(id) or isinstance(id, str)))

    def group_name(self, index):
        name = self.group_types.get(str(index))
        return name if isinstance(name, str) and name else None

    def person_bucket(self, flag, filters, person):
        by = flag.get("bucketing_identifier") or filters.get("bucketing_identifier")
        if by != "device_id":
            return person.distinct_id
        device_id = person.device_id or person.properties.get("$device_id")
        if not isinstance(device_id, str) or device_id == "":
            raise Inconclusive(MISSING_CONTEXT)
        return device_id

    def enrollment(self, flag, index, properties):
        expect(index is None)
        name = "$feature_enrollment/" + flag["key"]
        if name not in properties:
            raise Inconclusive(MISSING_CONTEXT)
        enrolled = properties[name] is True or properties[name] == "true"
        return enrolled, "super_condition_value", None

    def holdout(self, filters, bucket):
        holdout = filters.get("holdout") or {}
        id, percentage = holdout.get("id"), holdout.get("exclusion_percentage")
        if id is None or percentage is None:
            return None
        percentage = min(max(percentage, 0), 100)
        if percentage == 100 or sha1_60("holdout-" + bucket) <= percentage / 100:
            return "holdout-" + stringify(id)
        return None

    # --- conditions -------------------------------------------------------------------------------

    def conditions(self, flag, filters, person, bucket, properties):
        reason, regex, rivals, why = None, False, [], "no_condition_match"
        for number, condition in enumerate(listed(filters, "groups")):
            about = (bucket, properties)
            own = condition.get("aggregation_group_type_index", filters.get("aggregation_group_type_index"))
            if own != filters.get("aggregation_group_type_index"):
                if own is None:
                    try:
                        about = (self.person_bucket(flag, filters, person), person.properties)
                    except Inconclusive as error:
                        reason = worse(reason, error.reason)
                        continue
                else:
                    group = self.group_name(own)
                    if group is None or group not in person.groups:
                        continue
                    about = (person.groups[group], person.group_properties[group])
            try:
                if not self.properties_match(condition, person, about[1]):
                    continue
            except Inconclusive as error:
                reason, regex = worse(reason, error.reason), regex or error.regex
                if error.server:
                    raise self.stopped(flag, Inconclusive(reason, True, regex)) from None
                if error.regex:
                    rivals += self.rival(flag, filters, condition, about[0])
                continue
            if not self.rolled_out(flag, condition, about[0]):
                why = "out_of_rollout_bound"
                if switch(filters, "early_exit"):
                    break
                continue
            value = self.value(flag, filters, condition, about[0])
            if any(type(rival) is not type(value) or rival != value for rival in rivals):
                raise Inconclusive(reason, regex=regex)
            return value, "condition_match", number
        if reason is not None:
            raise Inconclusive(reason, regex=regex)
        return False, why, None

    def properties_match(self, condition, person, properties):
        first, reason, regex = None, None, False
        for one in listed(condition, "properties"):
            try:
                if not self.matches(one, person, properties):
                    return False
            except Inconclusive as error:
                first = first or error
                reason, regex = worse(reason, error.reason), regex or error.regex
        if first is not None:
            raise Inconclusive(reason, server=first.server, regex=regex)
        return True

    def rolled_out(self, flag, condition, bucket):
        percentage = condition.get("rollout_percentage")
        return percentage is None or sha1_60(f"{flag['key']}.{bucket}") <= percentage / 100

    def value(self, flag, filters, condition, bucket):
        variants = listed(filters.get("multivariate") or {}, "variants")
        if condition.get("variant") in [variant["key"] for variant in variants]:
            return condition["variant"]
        drawn, low = sha1_60(f"{flag['key']}.{bucket}variant"), 0.0
        for variant in variants:
            high = low + variant["rollout_percentage"] / 100
            if low <= drawn < high:
                return variant["key"]
            low = high
        return True

    def rival(self, flag, filters, condition, bucket):
        if self.rolled_out(flag, condition, bucket):
            return [self.value(flag, filters, condition, bucket)]
        return [False] if switch(filters, "early_exit") else []

    # --- filters ----------------------------------------------------------------------------------

    def matches(self, one, person, properties, path=(), depth=0):
        kind = one.get("type")
        if kind == "cohort":
            return self.cohort(one, person, properties, path, depth)
        operator = one.get("operator")
        expect(operator is None or isinstance(operator, str))
        if kind == "flag":
            return self.dependency(one, person)
        expect(kind in (None, "person", "group", "person_metadata"))
        expect(isinstance(one.get("key"), str))
        given = properties.get(one["key"], ABSENT)
        return match_property(operator, one.get("value"), given, self.version, person.now)

    def cohort(self, one, person, properties, path, depth):
        id = stringify(one.get("value"))
        if id not in self.cohorts:
            raise Inconclusive(UNSUPPORTED_DEFINITION, server=True)
        expect(one.get("operator") in (None, "exact", "in", "not_in"))
        expect(depth < 100 and id not in path)
        member = self.group(self.cohorts[id], person, properties, path + (id,), depth)
        return member != (one.get("operator") == "not_in")

    def group(self, group, person, properties, path, depth):
        if not well_formed(group):
            raise Inconclusive(UNSUPPORTED_DEFINITION, server=True)
        expect(depth < 100)
        if not group.get("values"):
            return True
        results, reason, regex = [], None, False
        for entry in group["values"]:
            try:
                results.append(self.entry(entry, person, properties, path, depth + 1))
            except Inconclusive as error:
                if error.server:
                    raise
                reason, regex = worse(reason, error.reason), regex or error.regex
        decisive = group["type"] == "OR"
        if decisive in results:
            return decisive
        if reason is not None:
            raise Inconclusive(reason, regex=regex)
        return not decisive

    def entry(self, entry, person, properties, path, depth):
        if is_group(entry):
            return self.group(entry, person, properties, path, depth)
        if not isinstance(entry, dict) or not isinstance(entry.get("negation"), (bool, type(None))):
            raise Inconclusive(UNSUPPORTED_DEFINITION, server=True)
        return self.matches(entry, person, properties, path, depth) != (entry.get("negation") is True)

    # --- dependencies -----------------------------------------------------------------------------

    def dependency(self, one, person):
        if misshapen(one):
            return False
        self.check_chain(one)
        for key in one["dependency_chain"]:
            try:
                value = self.value_of(key, person)
            except Inconclusive as error:
                raise Inconclusive(UNRESOLVED_DEPENDENCY, error.server, error.regex) from None
            if key == one["key"]:
                actual = value
        wanted = one["value"]
        if isinstance(wanted, bool):
            return (actual is not False) == wanted
        return isinstance(wanted, str) and isinstance(actual, str) and actual == wanted

    def value_of(self, key, person):
        flag = self.flags[key]
        return self.evaluate(flag, person)[0] if self.in_context(flag, person) else False

    def check_chain(self, one):
        expect(isinstance(one["key"], str))
        chain = one.get("dependency_chain")
        expect(isinstance(chain, list) and chain != [])
        expect(all(isinstance(key, str) and key in self.flags for key in chain))
        expect(one["key"] in chain)
        expect(not any(self.reaches_circle(key, ()) for key in chain))

    def reaches_circle(self, key, path):
        if key in path:
            return True
        return any(self.reaches_circle(needed, path + (key,)) for needed in self.needed(key))

    def needed(self, key):
        """The flags whose values a flag asks for."""
        flag = self.flags[key]
        try:
            if not switch(flag, "active") or switch(flag, "ensure_experience_continuity"):
                return set()
            filters = flag.get("filters")
            self.check(flag, {} if filters is None else filters)
        except Inconclusive:
            return set()
        chains = [leaf["dependency_chain"] for leaf in self.leaves(flag) if self.has_sound_chain(leaf)]
        return {key for chain in chains for key in chain}

    def has_sound_chain(self, one):
        if not isinstance(one, dict) or one.get("type") != "flag" or misshapen(one):
            return False
        chain = one.get("dependency_chain")
        sound = isinstance(chain, list) and all(isinstance(key, str) and key in self.flags for key in chain)
        return sound and one["key"] in chain

    def leaves(self, flag):
        """Every filter of a flag and of the cohorts that it refers to; None for what is malformed."""
        seen = set()
        for condition in listed(flag.get("filters") or {}, "groups"):
            for one in listed(condition, "properties"):
                yield from self.with_cohort(one, seen)

    def with_cohort(self, one, seen):
        yield one
        if one is None or one.get("type") != "cohort" or one.get("operator") not in (None, "exact", "in", "not_in"):
            return
        id = stringify(one.get("value"))
        if id in self.cohorts and id not in seen:
            seen.add(id)
            for entry in entries(self.cohorts[id]):
                yield from self.with_cohort(entry, seen)

    def stopped(self, flag, error):
        """Conditions that were not looked at may have a reason that outranks this one."""
        if any(self.never_usable(leaf) for leaf in self.leaves(flag)):
            return Inconclusive(worse(error.reason, UNSUPPORTED_DEFINITION), error.server, error.regex)
        return error

    def never_usable(self, leaf):
        if leaf is None:
            return True
        operator = leaf.get("operator")
        if leaf.get("type") == "cohort":
            known = stringify(leaf.get("value")) in self.cohorts
            return not known or operator not in (None, "exact", "in", "not_in")
        try:
            expect(operator is None or isinstance(operator, str))
            if leaf.get("type") == "flag":
                if not misshapen(leaf):
                    self.check_chain(leaf)
                return False
            expect(leaf.get("type") in (None, "person", "group", "person_metadata"))
            expect(isinstance(leaf.get("key"), str))
            match_property(operator, leaf.get("value"), ABSENT, self.version, now=None)
        except Inconclusive as error:
            return error.reason == UNSUPPORTED_DEFINITION
        return False
