"""Trees: few nodes as one expression each, which is fastest; many as tuples that are linked, which take less memory.

Measured with Python 3.11 (decision 34): an expression takes 2.3 kB of memory a node, linked tuples 0.12 to 0.2 kB and twice
the time. Expressions nest, and a parser takes no more than 200 brackets.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from infra.releases.fast_path.reaching import Split, reaching
from infra.releases.fast_path.writer import Columns, Indicator, NotCoveredError, Number, Writer, number, numeric

MOST_AS_CODE = 8_000
"""Nodes of a model up to which its trees are expressions: 18 MB."""
MOST_NODES = 500_000
"""Nodes above which scikit-learn serves: reading so many takes 0.34 s when a worker starts, and 58 MB (decision 34)."""
MOST_REACHED = 40_000
"""Nodes that rows are drawn to reach; of more, some that are chosen by chance."""
MOST_NUMBERS = 250
"""Different numbers in a function of trees: to load one beyond the 256th takes Python a second step."""
DEEPEST = 60
"""Levels of a tree that is written as an expression."""
UNPACK = '''\
def _linked(features, lefts, rights, thresholds, values, width):
    features, lefts, rights = (list(map(int, each.split())) for each in (features, lefts, rights))
    thresholds, values = (list(map(float, each.split())) for each in (thresholds, values))
    if width > 1:
        values = [tuple(values[at : at + width]) for at in range(0, len(values), width)]
    nodes = [None] * len(features)
    for i in range(len(nodes) - 1, -1, -1):
        if lefts[i]:
            nodes[i] = (features[i], thresholds[i], nodes[i + lefts[i]], nodes[i + rights[i]])
        else:
            nodes[i] = (0, values[features[i]], None, None)
    return nodes'''
"""Reads nodes: for a leaf, which of the values; for others, a place in the row, and how far on the children are."""


@dataclass(frozen=True)
class Tree:
    """One tree as lists by node, the root first, children after their parents; a leaf has `left` -1."""

    feature: Sequence[int]
    threshold: Sequence[float]
    left: Sequence[int]
    right: Sequence[int]
    missing_left: Sequence[bool]
    values: Sequence[tuple[float, ...]]
    """What a leaf says: as many numbers in every leaf."""
    words: Sequence[frozenset[int] | None]
    """The codes that go left, where a node splits by category."""

    @property
    def depth(self) -> int:
        """Levels below the root."""
        levels = [0] * len(self.left)
        for node, (left, right) in enumerate(zip(self.left, self.right)):
            if left >= 0:
                levels[left] = levels[right] = levels[node] + 1
        return max(levels, default=0)

    def leaves(self) -> list[int]:
        """Return how many leaves each node has below it, or is."""
        found = [1] * len(self.left)
        for node in range(len(self.left) - 1, -1, -1):
            if self.left[node] >= 0:
                found[node] = found[self.left[node]] + found[self.right[node]]
        return found

    def splits(self) -> dict[int, Split]:
        """Return the nodes that decide."""
        nodes = zip(self.feature, self.threshold, self.left, self.right, self.missing_left, self.words)
        return {place: Split(*node) for place, node in enumerate(nodes) if node[2] >= 0}


def sums(
    groups: Sequence[Sequence[Tree]], writer: Writer, columns: Columns, starts: Sequence[Sequence[str]]
) -> list[list[str]]:
    """Write the sum of each group of trees, added one after the other to its start; return variables for the sums.

    Of a group, the start has one number for each number of a leaf. Raises NotCoveredError where there are too many nodes.
    """
    trees = [tree for group in groups for tree in group]
    writer.nodes += sum(len(tree.left) for tree in trees)
    if writer.nodes > MOST_NODES:
        raise NotCoveredError(f"its trees have more than {MOST_NODES:,} nodes, which take a worker too long to read")
    chance = random.Random(len(writer.wishes))
    for tree in trees:
        writer.wishes += reaching(tree.splits(), columns, chance, min(1.0, MOST_REACHED / writer.nodes))
    deepest = max((tree.depth for tree in trees), default=0)
    write = _as_code if writer.nodes <= MOST_AS_CODE and deepest <= DEEPEST else _as_links
    totals = [[writer.let(text) for text in start] for start in starts]
    for group, total in zip(groups, totals, strict=True):
        if group:
            write(group, writer, columns, total)
    return totals


def _as_code(trees: Sequence[Tree], writer: Writer, columns: Columns, totals: list[str]) -> None:
    for few in _few_numbers(trees):
        used = [columns[feature] for tree in few for feature, _ in _splits(tree)]
        given = sorted({column.group if isinstance(column, Indicator) else numeric(column) for column in used})
        lines = []
        for tree in few:
            leaves = [number(value[0]) if len(totals) == 1 else f"({', '.join(map(number, value))})" for value in tree.values]
            text = _expression(tree, 0, columns, leaves.__getitem__, tree.leaves())
            if len(totals) == 1:
                lines.append(f"{totals[0]} += {text}")
            else:
                parts = [f"part{place}" for place in range(len(totals))]
                lines.append(f"{', '.join(parts)} = {text}")
                lines += [f"{total} += {part}" for total, part in zip(totals, parts)]
        writer.apart(totals, [name for name in given if name.isidentifier()], lines)


def _few_numbers(trees: Sequence[Tree]) -> list[list[Tree]]:
    """Return the trees in their order, by as many as hold at most `MOST_NUMBERS` different ones."""
    groups, known = list[list[Tree]](), set[object]()
    for tree in trees:
        nodes = zip(tree.left, tree.threshold, tree.values)
        numbers = {value if left < 0 else threshold for left, threshold, value in nodes}
        if not groups or len(known | numbers) > MOST_NUMBERS:
            groups.append([])
            known = set()
        groups[-1].append(tree)
        known |= numbers
    return groups


def _expression(tree: Tree, node: int, columns: Columns, leaf: Callable[[int], str], leaves: Sequence[int]) -> str:
    """The smaller branch comes first: Python 3.11 compares numbers in one step where what it may jump over is short."""
    if tree.left[node] < 0:
        return leaf(node)
    test, swapped = _test(tree, node, columns)
    then, other = (tree.right[node], tree.left[node]) if swapped else (tree.left[node], tree.right[node])
    if leaves[then] > leaves[other]:
        test, then, other = f"not {test}", other, then
    first, second = (_expression(tree, child, columns, leaf, leaves) for child in (then, other))
    return f"({first} if {test} else {second})"


def _test(tree: Tree, node: int, columns: Columns) -> tuple[str, bool]:
    """Return the test of a node, and whether it holds for what goes right: NaN fails every comparison."""
    column, words, left = columns[tree.feature[node]], tree.words[node], tree.missing_left[node]
    if words is not None:
        known = words | {-1} if left else words
        return f"{numeric(column)} in {{{', '.join(map(str, sorted(known)))}}}", False
    threshold = tree.threshold[node]
    if isinstance(column, Indicator):
        on, off = column.on <= threshold, column.off <= threshold
        if on != off:
            return f"{column.group} {'==' if on else '!='} {column.index}", False
        return ("True" if on else "False"), False
    return f"{numeric(column)} {'>' if left else '<='} {number(threshold)}", left


def _as_links(trees: Sequence[Tree], writer: Writer, columns: Columns, totals: list[str]) -> None:
    """A number that is missing and goes left is found among a second set of columns, where it is below all others."""
    if any(words is not None for tree in trees for words in tree.words):
        raise NotCoveredError(f"its trees split by category and have more than {MOST_AS_CODE:,} nodes")
    writer.helper(UNPACK)
    used = sorted({(left, feature) for tree in trees for feature, left in _splits(tree)})
    places = {key: place for place, key in enumerate(used)}
    names = [numeric(columns[feature]) for _, feature in used]
    for place, (left, feature) in enumerate(used):
        if left and isinstance(columns[feature], Number):
            names[place] = f"{names[place]} if {names[place]} == {names[place]} else -1e999"
    row = writer.let(f"({''.join(f'{name}, ' for name in names)})")
    roots = writer.table(_packed(trees, places, len(totals)))
    node, parts = [writer.fresh() for _ in range(4)], [writer.fresh() for _ in totals]
    writer.line(f"for {', '.join(node)} in {roots}:")
    writer.line(f"    while {node[2]}:")
    writer.line(f"        {', '.join(node)} = {node[2]} if {row}[{node[0]}] <= {node[1]} else {node[3]}")
    if len(totals) == 1:
        writer.line(f"    {totals[0]} += {node[1]}")
    else:
        writer.line(f"    {', '.join(parts)} = {node[1]}")
        for total, part in zip(totals, parts):
            writer.line(f"    {total} += {part}")


def _splits(tree: Tree) -> list[tuple[int, bool]]:
    return [(feature, bool(miss)) for feature, left, miss in zip(tree.feature, tree.left, tree.missing_left) if left >= 0]


def _packed(trees: Sequence[Tree], places: dict[tuple[bool, int], int], width: int) -> str:
    """Return an expression for the roots, as tuples `(place in the row, threshold, left, right)`; leaves hold their value."""
    features, lefts, rights, roots = list[int](), list[int](), list[int](), list[int]()
    thresholds, known = list[float](), dict[tuple[float, ...], int]()
    for tree in trees:
        roots.append(len(features))
        for node, left in enumerate(tree.left):
            is_leaf = left < 0
            value = known.setdefault(tree.values[node], len(known)) if is_leaf else 0
            features.append(value if is_leaf else places[bool(tree.missing_left[node]), tree.feature[node]])
            lefts.append(0 if is_leaf else left - node)
            rights.append(0 if is_leaf else tree.right[node] - node)
            thresholds.append(0.0 if is_leaf else tree.threshold[node])
    texts = [_text(features), _text(lefts), _text(rights), _text(thresholds), _text(one for value in known for one in value)]
    return f"[nodes[root] for nodes in [_linked({', '.join(texts)}, {width})] for root in {roots!r}]"


def _text(values: Iterable[float]) -> str:
    """Return numbers as one literal: a tuple of them would take many times the memory until it is compiled."""
    return repr(" ".join(map(repr, values)))
