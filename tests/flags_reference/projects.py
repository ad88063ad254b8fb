"""Random projects: definitions with everything that they may have, and people to evaluate for."""

import json
import random

NAMES = {
    "plan": ["free", "pro", "enterprise", "PRO", ""],
    "email": ["a@acme.com", "B@ACME.com", "c@other.org", ""],
    "age": [17, 18, 42, "42", 17.5, "old", None],
    "beta": [True, False, "true", "no", None],
    "signup": ["2024-03-31", "2024-03-01T10:00:00Z", "2022-05-05", "never", 5],
    "app": ["1.2.3", "1.3.0-rc.1", "2.0", "0.9.1", "dev", 2],
    "tags": [["a", "b"], [], [True], {"a": 1}],
}
IDS = [f"user-{number}" for number in range(12)] + ["Ä", "holdout", "distinct.id"]
GROUPS = {"company": ["acme", "globex", "initech"], "project": ["p1", "p2"], "region": ["eu"]}
CONTEXTS = ["web", "backend"]


def chance(generator, probability):
    return generator.random() < probability


class Project:
    """One project under construction."""

    def __init__(self, generator: random.Random):
        self.random = generator
        self.cohort_ids = [str(number) for number in range(1, generator.randint(2, 9))]
        self.keys = [f"flag-{number}" for number in range(generator.randint(6, 18))]
        # Cohorts of some projects may refer to themselves, so may flags.
        self.circles = chance(generator, 0.1)

    def property(self):
        pick = self.random.choice
        name = pick(list(NAMES))
        value = pick(NAMES[name])
        operators = {
            "plan": ["exact", "is_not", "icontains", "not_icontains", "is_set", "is_not_set", "starts_with"],
            "email": ["icontains", "not_icontains", "ends_with", "not_ends_with", "regex", "not_regex"],
            "age": ["gt", "gte", "lt", "lte", "exact", "is_not"],
            "beta": ["exact", "is_not", "is_set", "is_not_set", None],
            "signup": ["is_date_before", "is_date_after", "exact"],
            "app": ["semver_eq", "semver_gt", "semver_lte", "semver_caret", "semver_tilde", "semver_wildcard"],
            "tags": ["exact", "icontains", "is_set"],
        }
        one = {"key": name, "type": "person", "operator": pick(operators[name]), "value": value}
        if one["operator"] in ("regex", "not_regex"):
            one["value"] = pick(["@acme\\.com$", "(?i)acme", "(a)\\1", "\\bacme", "[", "", "^[a-c]@"])
        if name == "signup" and one["operator"] != "exact":
            one["value"] = pick(["-30d", "1m", "2y", "2023-01-01", "2024y", "soon"])
        if name == "plan" and chance(self.random, 0.4):
            one["value"] = self.random.sample(NAMES["plan"], self.random.randint(0, 3))
        if chance(self.random, 0.05):
            one["type"] = pick([None, "group", "person_metadata", "behavioral"])
        if chance(self.random, 0.05):
            del one["type"]
        if chance(self.random, 0.02):
            one["operator"] = pick(["between", "is_date_exact", 7, "IN"])
        if chance(self.random, 0.06):
            one["key"] = pick(["distinct_id", "$group_key", "missing", None, "$device_id"])
            one["value"] = pick(["user-1", "acme", "user-2"])
        return one

    def cohort_filter(self, ids):
        one = {"key": "id", "type": "cohort", "value": self.random.choice(ids + ids + ["404"])}
        if chance(self.random, 0.5):
            one["value"] = int(one["value"])
        if chance(self.random, 0.7):
            one["operator"] = self.random.choice(["in", "in", "not_in", "exact", None] * 4 + ["is_not", 3])
        return one

    def dependency(self, index):
        """On flags that come before this one, or in projects with circles on any."""
        pick = self.random.choice
        pool = self.keys if self.circles else self.keys[:index]
        if not pool:
            return self.property()
        chain = self.random.sample(pool, min(len(pool), self.random.randint(1, 3)))
        value = pick([True, True, False, False, "a", "b", "holdout-7", "", 3])
        one = {"key": chain[-1], "type": "flag", "operator": "flag_evaluates_to", "value": value,
               "dependency_chain": chain}
        if chance(self.random, 0.15):
            one.update(pick([
                {"operator": "exact"}, {"operator": None}, {"value": None}, {"key": ""}, {"key": None},
                {"dependency_chain": []}, {"dependency_chain": None}, {"dependency_chain": chain + ["gone"]},
                {"key": pick(self.keys)}, {"dependency_chain": chain + [5]}, {"operator": 1}, {"key": 4},
            ]))
        return one

    def filter(self, index):
        kind = self.random.random()
        if kind < 0.2:
            return self.cohort_filter(self.cohort_ids)
        if kind < 0.38:
            return self.dependency(index)
        return self.property()

    def cohort(self, number, depth=0):
        if chance(self.random, 0.03):
            return {}
        values = []
        for _ in range(self.random.randint(0 if chance(self.random, 0.1) else 1, 3)):
            kind = self.random.random()
            if kind < 0.25 and depth < 3:
                values.append(self.cohort(number, depth + 1))
                continue
            ids = self.cohort_ids if self.circles else self.cohort_ids[:number]
            if kind < 0.4 and ids:
                entry = self.cohort_filter(ids)
            elif kind < 0.5:
                entry = self.dependency(len(self.keys) // 2)
            else:
                entry = self.property()
            if chance(self.random, 0.35):
                entry["negation"] = self.random.choice([True, True, False, None])
            values.append(entry)
        group = {"type": self.random.choice(["AND", "OR"]), "values": values}
        if chance(self.random, 0.04):
            group.update(self.random.choice([{"type": "XOR"}, {"values": None}, {"values": {}}, {"type": None}]))
        if chance(self.random, 0.02):
            values.append(self.random.choice([7, "x", None, {"key": "plan", "negation": "yes"}]))
        return group

    def condition(self, index, mixed):
        condition = {"properties": [self.filter(index) for _ in range(self.random.choice([0, 1, 1, 1, 2, 2, 3]))]}
        if chance(self.random, 0.8):
            condition["rollout_percentage"] = self.random.choice([0, 12.5, 33.3, 50, 50, 80, 100, 100, 100, None, 120])
        if chance(self.random, 0.3):
            condition["variant"] = self.random.choice(["a", "b", "zzz", None, ""])
        if chance(self.random, mixed):
            condition["aggregation_group_type_index"] = self.random.choice([None, 0, 1, 2, 9])
        if chance(self.random, 0.03):
            condition["properties"] = None
        return condition

    def filters(self, index):
        mixed = 0.5 if chance(self.random, 0.25) else 0.0
        count = self.random.choice([0, 1, 1, 2, 2, 3, 4])
        filters = {"groups": [self.condition(index, mixed) for _ in range(count)]}
        if chance(self.random, 0.25):
            filters["aggregation_group_type_index"] = self.random.choice([None, 0, 0, 1, 2, 9])
        if chance(self.random, 0.5):
            shares = self.random.choice([[50, 50], [33.3, 33.3], [100, 0], [10, 20], []])
            variants = [{"key": key, "name": "", "rollout_percentage": share} for key, share in zip("ab", shares)]
            filters["multivariate"] = {"variants": variants}
        if chance(self.random, 0.4):
            filters["payloads"] = {"true": '{"on": [1, 2]}', "a": "not json", "b": {"x": 1}, "holdout-7": "7"}
        if chance(self.random, 0.25):
            filters["early_exit"] = chance(self.random, 0.8)
        if chance(self.random, 0.12):
            filters["holdout"] = self.random.choice([
                {"id": 7, "exclusion_percentage": 50}, {"id": 7, "exclusion_percentage": 100},
                {"id": "x", "exclusion_percentage": 12.5}, {"id": 7, "exclusion_percentage": 0},
                {"id": 7, "exclusion_percentage": -5}, {"id": 7, "exclusion_percentage": 150}, {"id": 7}, {}, None,
            ])
        if chance(self.random, 0.06):
            filters["feature_enrollment"] = self.random.choice([True, True, False])
        return filters

    def flag(self, index):
        flag = {"id": index + 1, "key": self.keys[index], "active": not chance(self.random, 0.08),
                "filters": self.filters(index)}
        if chance(self.random, 0.06):
            flag["ensure_experience_continuity"] = self.random.choice([True, False, None])
        if chance(self.random, 0.15):
            owner = self.random.choice([flag, flag["filters"]])
            owner["bucketing_identifier"] = self.random.choice(["device_id", "device_id", "distinct_id", None, ""])
        if chance(self.random, 0.15):
            name = self.random.choice(["evaluation_contexts", "evaluation_tags"])
            flag[name] = self.random.choice([["web"], ["backend", "web"], ["other"], [], None])
        if chance(self.random, 0.05):
            self.spoil(flag)
        return flag

    def spoil(self, flag):
        """Makes some part of a definition be as it should not be."""
        filters = flag["filters"]
        where = self.random.choice(filters["groups"]) if filters["groups"] else filters
        owner, part = self.random.choice([
            (filters, {"version": 2}), (filters, {"version": 1}), (filters, {"groups": {}}), (filters, {"payloads": 3}),
            (filters, {"multivariate": {"variants": [{"key": "a"}]}}), (filters, {"holdout": 5}),
            (filters, {"early_exit": 1}), (filters, {"feature_enrollment": "yes"}),
            (filters, {"aggregation_group_type_index": "0"}), (where, {"rollout_percentage": "50"}),
            (where, {"properties": [3]}), (where, {"variant": 5}), (where, {"aggregation_group_type_index": 0.5}),
            (flag, {"filters": None}), (flag, {"filters": 5}), (flag, {"active": "yes"}), (flag, {"active": None}),
            (flag, {"deleted": True}), (flag, {"bucketing_identifier": "session_id"}),
            (flag, {"ensure_experience_continuity": 1}), (filters, {"groups": None}), (filters, {"multivariate": None}),
        ])
        owner.update(part)


def properties(generator, names, probability):
    return {name: generator.choice(names[name]) for name in names if chance(generator, probability)}


def person(generator, now, keys):
    """The members of the properties, and the rest of a subject."""
    given = properties(generator, NAMES, 0.75)
    if chance(generator, 0.1):
        given["$device_id"] = generator.choice(["device-9", "", 5])
    if chance(generator, 0.1):
        given["distinct_id"] = generator.choice(["user-2", "user-1"])
    for key in keys:
        if chance(generator, 0.2):
            given[f"$feature_enrollment/{key}"] = generator.choice([True, False, "true", "True", None])
    members = [(name, json.dumps(value)) for name, value in given.items()]
    groups = {name: generator.choice(ids) for name, ids in GROUPS.items() if chance(generator, 0.6)}
    more = {
        "distinct_id": generator.choice(IDS),
        "device_id": generator.choice([None, None, "device-1", "device-2", ""]),
        "groups": groups,
        "group_properties": {name: properties(generator, NAMES, 0.7) for name in GROUPS if chance(generator, 0.6)},
        "evaluation_contexts": generator.choice([[], [], ["web"], ["backend", "other"]]),
        "now": now + generator.choice([0, 86_400_000, -31 * 86_400_000]),
    }
    return members, more


def project(generator, now):
    made = Project(generator)
    definitions = {
        "flags": [made.flag(index) for index in range(len(made.keys))],
        "group_type_mapping": {"0": "company", "1": "project", "2": "region", "3": ""},
        "cohorts": {id: made.cohort(number) for number, id in enumerate(made.cohort_ids)},
        "property_matching_version": generator.choice([1, 2, 2, 3, None]),
    }
    return definitions, [person(generator, now, made.keys) for _ in range(24)]
