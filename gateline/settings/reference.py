"""The reference of all settings in Markdown, and the resolved values, both made from the types themselves."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gateline.settings.pipeline import Settings
from gateline.settings.secrets import origin, redacted
from gateline.settings.section import PATTERNS
from gateline.settings.variables import OTHERS, OVERRIDES, PORT_PREFIX, STATE, STATE_PREFIX

HEAD = """# Settings

`pipeline.toml` has all settings of a copy. This page is generated from the types that read it, by
`python -m gateline.settings --markdown > docs/settings.md` (or, with the other [reference](reference/commands.md) pages, by
`nox -s reference`); a test fails when the two differ.

- `python -m gateline.settings` checks the file and prints every resolved value, one per line, as TOML; it exits with 2 if
  something is wrong.
- An unknown key, a wrong type or an impossible value ends every command with exit code 2 and names the key, its value, what is
  allowed and the nearest known name.
- A rule in `required` that cannot judge makes its gate inconclusive, and an inconclusive gate holds the pipeline.
- Secrets come only from environment variables; a key that looks like one, or a URL with a password, is refused.
"""
VARIABLES = """
## Environment variables

They replace ports, workers, URLs and state folders, and nothing else. An empty one counts as not set; one that nothing reads
is refused.

| variable | replaces or holds |
|---|---|
"""


def markdown() -> str:
    """Return the whole reference page."""
    schema = Settings.model_json_schema()
    body = "".join(_section(name, spec) for name, spec in _sections(schema, schema["$defs"]))
    variables = {
        f"{PORT_PREFIX}<ENVIRONMENT>": "`environments.<environment>.port`, as in `GATELINE_PORT_STAGING`",
        STATE: "`environments.<environment>.state` of every environment",
        f"{STATE_PREFIX}<ENVIRONMENT>": "`environments.<environment>.state`, as in `GATELINE_STATE_PRODUCTION`",
        **{name: f"`{'.'.join(place)}`" for name, place in OVERRIDES.items()},
        **OTHERS,
    }
    return f"{HEAD}{body}{VARIABLES}" + "".join(f"| `{name}` | {text} |\n" for name, text in variables.items())


def keys() -> set[str]:
    """Return the dotted name of every key that a copy may set; a place that has a name of its own is `<name>`."""
    schema = Settings.model_json_schema()
    return {f"{name}.{key}" for name, spec in _sections(schema, schema["$defs"]) for key in spec["properties"]}


def resolved(settings: Settings, replaced: Mapping[str, str]) -> str:
    """Return every value as one line of TOML with its dotted key; credentials in URLs are hidden."""
    lines = []
    for key, value in _flat(settings.model_dump(mode="json", by_alias=True, exclude_none=True)):
        shown = origin(value) if key == "notify.webhook" and value else value
        text = redacted(json.dumps(shown, ensure_ascii=False))
        lines.append(f"{key} = {text}" + (f"  # from {replaced[key]}" if key in replaced else ""))
    return "\n".join(lines) + "\n"


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else json.dumps(key)
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{name}.")
        elif not isinstance(value, dict):
            yield f"{above}{name}", value


def _sections(spec: dict[str, Any], types: dict[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (dotted name, JSON schema) of every section, outer before inner."""
    for key, prop in spec["properties"].items():
        inner, name = prop, f"{above}{key}"
        if "patternProperties" in prop:
            inner, name = next(iter(prop["patternProperties"].values())), f"{name}.<name>"
        if "$ref" in inner:
            section = types[inner["$ref"].rpartition("/")[2]]
            yield name, section
            yield from _sections(section, types, f"{name}.")


def _section(name: str, spec: dict[str, Any]) -> str:
    required = spec.get("required", [])
    inner = [key for key, prop in spec["properties"].items() if "$ref" in prop or "patternProperties" in prop]
    rows = [_row(key, prop, key in required) for key, prop in spec["properties"].items() if key not in inner]
    if not rows:
        return ""
    text = f"\n## [{name}]\n\n{' '.join(spec.get('description', '').split())}\n"
    return f"{text}\n| key | what it is | type | allowed | default |\n|---|---|---|---|---|\n{''.join(rows)}"


def _row(key: str, prop: dict[str, Any], required: bool) -> str:
    branches = [branch for branch in prop.get("anyOf", []) if branch.get("type") != "null"]
    kind = branches[0] if len(branches) == 1 else prop
    default = "required" if required else _default(prop, kind)
    meaning = " ".join(prop.get("description", "").split())
    allowed = "names in `rules`" if key == "required" else _allowed(kind)
    return f"| `{key}` | {meaning} | {_type(kind)} | {allowed} | {default} |\n".replace("|  |", "| – |")


def _type(kind: dict[str, Any]) -> str:
    names = {"integer": "whole number", "boolean": "true or false", "string": "text", "object": "table"}
    if "anyOf" in kind:
        return ", ".join(_type(branch) for branch in kind["anyOf"] if branch.get("type") != "null")
    if kind.get("type") == "array":
        return f"list of {_type(kind['items'])}"
    return names.get(kind.get("type", ""), str(kind.get("type", "text")))


def _allowed(kind: dict[str, Any]) -> str:
    if "items" in kind:
        return _allowed(kind["items"]) + (", at least one" if kind.get("minItems") else "")
    if "enum" in kind or "const" in kind:
        return ", ".join(f"`{name}`" for name in kind.get("enum", [kind.get("const")]))
    if "pattern" in kind:
        return PATTERNS[kind["pattern"]]
    bounds = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most", "exclusiveMaximum": "less than"}
    said = [f"{words} {kind[name]:,}".removesuffix(".0") for name, words in bounds.items() if name in kind]
    return ", ".join(said) or ("not empty" if kind.get("minLength") else "")


def _default(prop: dict[str, Any], kind: dict[str, Any]) -> str:
    value = prop.get("default")
    if value is None or value in ("", []):
        return "not set" if value is None and kind.get("type") != "object" else "empty"
    if value == kind.get("items", {}).get("enum"):
        return "all of them"
    return f"`{json.dumps(value, ensure_ascii=False)}`"
