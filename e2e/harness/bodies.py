"""Bodies of requests as the served document describes them: where they take texts, and one that is right but for a text."""

from collections.abc import Iterator
from typing import Any

from .operations import METHODS


def members(
    document: dict[str, Any], schema: dict[str, Any], place: tuple[str, ...] = (), within: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Where a schema takes texts, or anything at all; `*` is a place in a list, `{}` one under a name of the sender's choice."""
    while "$ref" in schema:
        if schema["$ref"] in within:
            return
        within = (*within, schema["$ref"])
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    inner = [part for word in ("allOf", "oneOf", "anyOf") for part in schema.get(word, [])]
    for part in inner:
        yield from members(document, part, place, within)
    for name, part in schema.get("properties", {}).items():
        yield from members(document, part, (*place, name), within)
    if isinstance(schema.get("items"), dict):
        yield from members(document, schema["items"], (*place, "*"), within)
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        yield from members(document, others, (*place, "{}"), within)
    kinds = schema.get("type", [])
    is_free = others is True or (kinds == "object" and "properties" not in schema and others is None)
    if "string" in kinds or is_free or not (kinds or inner or "const" in schema or "enum" in schema):
        yield place


def declared(document: dict[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The texts that each operation takes, and where in its body they are."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for item in document["paths"].values():
        for operation in (item[method] for method in METHODS if method in item):
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content and operation["operationId"] != "create_import":
                places = members(document, content["application/json"].get("schema", {}))
                names = {".".join(part for part in place if part not in "*{}"): place for place in places}
                found[operation["operationId"]] = names
    return found


def sample(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """What such a schema lets in; enough for what stands beside a payload."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema:
            return sample(document, schema[word][0])
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kinds = schema.get("type", "object")
    if "object" in kinds:
        required = schema.get("required", [])
        return {name: sample(document, schema["properties"][name]) for name in required}
    return [] if "array" in kinds else 30 if "integer" in kinds else True if "boolean" in kinds else "abcdefgh"


def put(document: dict[str, Any], schema: dict[str, Any], place: tuple[str, ...], text: str) -> Any:
    """A body that is right but for a text at this place."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if not place:
        return text
    first, rest = place[0], place[1:]
    for part in [part for word in ("oneOf", "anyOf", "allOf") for part in schema.get(word, [])]:
        if place in set(members(document, part)):
            return put(document, part, place, text)
    if first == "*":
        return [put(document, schema["items"], rest, text)]
    if first == "{}":
        return {"a": put(document, schema["additionalProperties"], rest, text)}
    return {**sample(document, schema), first: put(document, schema["properties"][first], rest, text)}
