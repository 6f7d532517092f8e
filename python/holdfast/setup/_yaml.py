"""Adding entries to a YAML file that somebody else wrote, where that is safe."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import yaml

__all__ = ["as_yaml", "with_entries"]


def as_yaml(content: Any) -> str:
    """Write what a YAML file would hold, its keys in their order.

    Examples
    --------
    >>> print(as_yaml({"vars": {"holdfast_orders": "raw.orders"}}), end="")
    vars:
      holdfast_orders: raw.orders
    """
    return yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=1000,
        allow_unicode=True,
    )  # fmt: skip


class _Dumper(yaml.SafeDumper):
    """Writes lists as dbt projects do, their dashes below their key but farther in."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _in_double_quotes(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    """Write a text that holds single quotes, as refs do, in double ones."""
    style = '"' if "'" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _in_double_quotes)


def with_entries(text: str, path: Sequence[str], entries: Any) -> str | None:
    r"""Add entries to the mapping or list at a path, and change nothing else.

    Parameters
    ----------
    text
        The file.
    path
        The keys that lead there; those that are missing are made.
    entries
        A mapping or a list of what is added.

    Returns
    -------
    str or None
        The new text; None where it would not be the former file and the entries, and no more: then
        a person has to add them.

    Examples
    --------
    >>> print(with_entries("vars:\n  a: 1  # mine\n", ["vars"], {"b": 2}), end="")
    vars:
      b: 2
      a: 1  # mine
    >>> with_entries("vars: {a: 1}\n", ["vars"], {"b": 2}) is None
    True
    """
    try:
        former = yaml.safe_load(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    if not isinstance(former, dict) or not isinstance(node, yaml.MappingNode):
        return None
    missing = list(path)
    parent: yaml.Node | None = None
    while missing and isinstance(node, yaml.MappingNode):
        children = {key.value: (key, value) for key, value in node.value}
        if missing[0] not in children:
            break
        parent, node = children[missing.pop(0)]
    added = entries
    for key in reversed(missing):
        added = {key: added}
    wanted = _merged(former, _nested(path, entries))
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or wanted is None:
        return None
    lines = text.splitlines()
    block = as_yaml(added)
    if node.start_mark.column == 0 and isinstance(node, yaml.MappingNode):
        new = text.rstrip("\n") + "\n\n" + block
    else:
        inserted = textwrap.indent(_flush(block), " " * node.start_mark.column).splitlines()
        # above the comments of the first entry, which stay with it
        at = min(parent.start_mark.line + 1 if parent else 0, node.start_mark.line)
        new = "\n".join([*lines[:at], *inserted, *lines[at:]]) + "\n"
    try:
        return new if yaml.safe_load(new) == wanted else None
    except yaml.YAMLError:
        return None


def _flush(block: str) -> str:
    """Move a block to the left margin."""
    return textwrap.dedent(block)


def _nested(path: Sequence[str], entries: Any) -> Any:
    for key in reversed(path):
        entries = {key: entries}
    return entries


def _merged(former: Any, added: Any) -> Any:
    """Give a structure with another in it; None where both have a value in one place."""
    if isinstance(former, dict) and isinstance(added, dict):
        result = dict(former)
        for key, value in added.items():
            merged = _merged(former[key], value) if key in former else value
            if merged is None:
                return None
            result[key] = merged
        return result
    if isinstance(former, list) and isinstance(added, list):
        return added + former
    return None
