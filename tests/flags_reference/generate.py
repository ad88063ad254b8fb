"""Writes (definitions, subjects, outcomes) for the differential test, one JSON document a line.

Two suites: every operator with every filter value and every property value, and random projects with
cohorts, dependencies, groups and whatever else definitions have. All of it follows from the seed.

    python3 generate.py [--seed N] [--projects N] [--part I/N]
"""

import argparse
import json
import random
import re
import sys

from operators import parse_json, stringify
from projects import project
from reference import Person, Reference

NOW = 1_711_886_400_123  # 2024-03-31T12:00:00.123Z

OPERATORS = """exact is_not is_set is_not_set icontains not_icontains starts_with not_starts_with ends_with
    not_ends_with regex not_regex gt gte lt lte is_date_before is_date_after semver_eq semver_neq semver_gt
    semver_gte semver_lt semver_lte semver_tilde semver_caret semver_wildcard is_date_exact between not_between
    icontains_multi not_icontains_multi in not_in flag_evaluates_to bogus""".split() + [None, ""]

# As JSON text, since the same value can be written in more than one way.
SCALARS = r"""
    null true false 0 1 -1 5 5.0 1.50 1E5 -0 0.00001 1e-7 1e30 123456789012345678901 -5.5 18446744073709551615
    "" " " "true" "TRUE" "False" "null" "0" "1" "5" "5.0" "+5" " 5" "1e3" "inf" "NaN" "0x5"
    "pro" "Pro" "PRO" "professional" "a-pro-b" "free" "ÄBC" "äbc" "ΟΔΟΣ" "οδος" "İ" "\u212a" "k" "a@acme.com"
    "A@ACME.COM" "[\"pro\"]" "line\nbreak" "quote\"d" "\b" "日本"
    "2024-03-31" "2024-03-31T12:00:00.123Z" "2024-03-31 12:00:00" "2024-01-29T12:00:00.123Z" "2024-02-30"
    "2024-03-31T14:00:00.123+02:00" "2024-03-31 12:00 UTC" "9999-12-31" "0001-01-01" "0000-12-31" "1711886400"
    "1.2.3" "v1.2.3" "1.2" "1" "1.3.0-beta.1" "0.2.3" "0.0.3" "2.0.0+build" "01.2.3" "1.2.3.4" "1..2" "x.1"
    "18446744073709551615.0.0"
"""
COMPOUND = r"""
    [] [true] ["true","FALSE"] [[],"true"] ["pro","free"] ["PRO"] [1,"pro"] [[true],"PRO"] [null] [5.0,"5"]
    {} {"b":1.50,"a":[null,"x"]} ["1.2.3"] [false,[true]] ["2024-03-31"]
"""
FILTERS_ONLY = r"""
    "-7d" "7d" "0h" "2m" "1m" "13w" "1y" "2024y" "9999y" "9999m" "10000d" "007d" "-d" "1.5d" "3s" "+1d"
    "1.*" "1.2.*" "1.*.*" "*" "1.2.3.*" "v0.*" "^1.2" "1.x"
    "^pro" "pro$" "(?i)PRO" "p.o" "[a-z]+@acme\\.com$" "^\\d+$" "\\s" "pro|free" "^$" "x*" "(?:pro){1,2}" "." "(?s)."
    "a{2}" "a{,2}" "a{2" "}" "a**" "a+?" "()" "(?=a)" "(?P<n>a)" "(a)\\1" "\\bpro" "\\pL" "(?ii)a" "(?i)*" "(?x)a"
    "[" "(" "*a" "a{3,2}" "\\y" "[z-a]" "[]a]" "\\x41" "\\w+" "(?i:p)ro"
"""
GIVEN_ONLY = r""" "aaaa" "acme" "7" "2023-03-31T12:00:00.123Z" "2024-03-24T12:00:00.123Z" "1.2.99" "0.3.0" """


def texts(*blocks):
    """The JSON texts of blocks in which they stand one after the other."""
    decoder, found = json.JSONDecoder(), []
    for block in blocks:
        at = len(block) - len(block.lstrip())
        while at < len(block):
            _, end = decoder.raw_decode(block, at)
            found.append(block[at:end])
            at = end + len(block[end:]) - len(block[end:].lstrip())
    return found


def has_nested_class(value):
    """Python's patterns have none, so that the reference cannot tell what such a pattern finds."""
    return value is not None and re.search(r"\[[^]]*\[|^\[\[", stringify(parse_json(value))) is not None


def subject(members, **more):
    """The JSON text of a subject, with properties as they are written."""
    given = {"distinct_id": "u", "device_id": None, "groups": {}, "group_properties": {},
             "evaluation_contexts": [], "now": NOW, **more}
    properties = ",".join(f"{json.dumps(key)}:{text}" for key, text in members)
    return json.dumps(given)[:-1] + ',"person_properties":{' + properties + "}}"


def operator_documents():
    """One document for each operator and matching version."""
    wanted = texts(SCALARS, COMPOUND, FILTERS_ONLY) + [None]
    given = [subject([("p", text)]) for text in texts(SCALARS, COMPOUND, GIVEN_ONLY)] + [subject([])]
    for operator in OPERATORS:
        for version in ("1", "2"):
            if version == "2" and operator not in ("exact", "is_not", None):
                continue
            flags = []
            for number, value in enumerate(wanted):
                if operator in ("regex", "not_regex") and has_nested_class(value):
                    continue
                members = f'"key":"p","type":"person","operator":{json.dumps(operator)}'
                members += "" if value is None else f',"value":{value}'
                flags.append(
                    f'{{"key":"f{number}","active":true,"filters":{{"groups":[{{"properties":[{{{members}}}]}}]}}}}'
                )
            yield f'{{"flags":[{",".join(flags)}],"property_matching_version":{version}}}', given


def random_documents(seed, count):
    for number in range(count):
        generator = random.Random(f"{seed}/{number}")
        definitions, subjects = project(generator, NOW)
        yield json.dumps(definitions), [subject(members, **more) for members, more in subjects]


def solved(definitions, subjects):
    """The document as it is written, with the outcome of each flag for each subject."""
    reference = Reference(parse_json(definitions))
    persons = [Person(parse_json(text)) for text in subjects]
    outcomes, places, results = [], {}, []
    for key in reference.flags:
        row = []
        for person in persons:
            outcome = reference.outcome(key, person)
            text = json.dumps(outcome)
            if text not in places:
                places[text] = len(outcomes)
                outcomes.append(text)
            row.append(places[text])
        results.append([key, row])
    return (
        f'{{"definitions":{definitions},"subjects":[{",".join(subjects)}],'
        f'"outcomes":[{",".join(outcomes)}],"results":{json.dumps(results)}}}'
    )


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--projects", type=int, default=200)
    arguments.add_argument("--part", default="0/1", help="write only each Nth document, from the Ith on")
    options = arguments.parse_args()
    index, parts = map(int, options.part.split("/"))
    documents = [*operator_documents(), *random_documents(options.seed, options.projects)]
    for definitions, subjects in documents[index::parts]:
        sys.stdout.write(solved(definitions, subjects) + "\n")


if __name__ == "__main__":
    main()
