"""The types of built-in functions and of expressions, as far as OPA knows them without evaluating anything.

A type is a string of letters, one for each kind of value: s string, n number, b boolean, 0 null, a array, o object,
t set; "*" is any. A test compares the functions with OPA's own list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.evaluate.rego.references import called

ANY = "*"
_NAMES = {"s": "a string", "n": "a number", "b": "a boolean", "0": "null", "a": "an array", "o": "an object",
          "t": "a set"}  # fmt: skip
# The types of arguments, ">", and the type of the result; below it the functions.
_BY_TYPES = {
    "* > a": ("walk"),
    "* > b": ("is_array is_boolean is_null is_number is_object is_set is_string semver.is_valid"),
    "* > s": ("json.marshal type_name yaml.marshal"),
    "* a > *": ("json.patch"),
    "* o > s": ("json.marshal_with_options"),
    "0bns > n": ("to_number"),
    "a > *": ("object.union_n"),
    "a > a": ("array.reverse"),
    "a a > a": ("array.concat"),
    "a n n > a": ("array.slice"),
    "an > a": ("time.clock time.date"),
    "an > s": ("time.format time.weekday"),
    "an an > a": ("time.diff"),
    "aost > n": ("count"),
    "aot aot > *": ("object.subset"),
    "ast ast > b": ("strings.any_prefix_match strings.any_suffix_match"),
    "at > *": ("max min"),
    "at > a": ("sort"),
    "at > n": ("product sum"),
    "at > t": ("net.cidr_merge"),
    "n > n": ("abs bits.negate ceil floor round"),
    "n n > a": ("numbers.range"),
    "n n > n": ("bits.and bits.lsh bits.or bits.rsh bits.xor"),
    "n n > s": ("format_int"),
    "n n n > a": ("numbers.range_step"),
    "n n n n > n": ("time.add_date"),
    "o * * > *": ("object.get"),
    "o > s": ("urlquery.encode_object"),
    "o > t": ("object.keys"),
    "o aot > *": ("object.filter object.remove"),
    "o at > *": ("json.filter json.remove"),
    "o at > t": ("graph.reachable graph.reachable_paths"),
    "o o > *": ("object.union"),
    "o s > s": ("strings.replace_n"),
    "os > a": ("json.verify_schema"),
    "os os > a": ("json.match_schema"),
    "s 0a s > b": ("glob.match"),
    "s > *": ("json.unmarshal yaml.unmarshal"),
    "s > b": ("base64.is_valid json.is_valid net.cidr_is_valid regex.is_valid trace yaml.is_valid"),
    "s > n": ("time.parse_duration_ns time.parse_rfc3339_ns units.parse units.parse_bytes"),
    "s > o": ("urlquery.decode_object uuid.parse"),
    "s > s": (
        "base64.decode base64.encode base64url.decode base64url.encode base64url.encode_no_pad"
        " glob.quote_meta hex.decode hex.encode lower strings.reverse trim_space upper"
        " urlquery.decode urlquery.encode"
    ),
    "s > t": ("net.cidr_expand"),
    "s a > s": ("sprintf"),
    "s at > s": ("concat"),
    "s n n > s": ("substring"),
    "s s > a": ("indexof_n regex.split split"),
    "s s > b": ("contains endswith net.cidr_contains net.cidr_intersects regex.match startswith"),
    "s s > n": ("indexof semver.compare strings.count time.parse_ns"),
    "s s > s": ("trim trim_left trim_prefix trim_right trim_suffix"),
    "s s n > a": ("regex.find_all_string_submatch_n regex.find_n"),
    "s s s > s": ("regex.replace replace"),
    "s s s s > b": ("regex.template_match"),
    "t > t": ("intersection union"),
}
SIGNATURES: Mapping[str, tuple[Sequence[str], str]] = {
    name: (types.partition(">")[0].split(), types.partition("> ")[2])
    for types, names in _BY_TYPES.items()
    for name in names.split()
}
_BY_KIND = {"String": "s", "RawString": "s", "Number": "n", "Bool": "b", "Null": "0", "Array": "a", "ArrayCompr": "a",
            "Object": "o", "ObjectCompr": "o", "Set": "t", "SetCompr": "t", "BinExpr": "t", "BoolExpr": "b",
            "Membership": "b"}  # fmt: skip


def type_of(node: Mapping[str, Any]) -> str:
    """The type of an expression; ANY where only an evaluation can tell."""
    kind, value = next(iter(node.items()))
    if kind == "Call":
        return SIGNATURES.get(called(value), ((), ANY))[1]
    if kind == "ArithExpr":
        # A difference may be one of sets.
        return "nt" if value["op"] == "Sub" else "n"
    return _BY_KIND.get(kind, ANY)


def fits(one: str, other: str) -> bool:
    """Whether a value may have both types."""
    return ANY in (one, other) or bool({*one} & {*other})


def words(types: str) -> str:
    """A type in words."""
    return " or ".join(_NAMES[letter] for letter in types)
