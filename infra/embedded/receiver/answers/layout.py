"""Where the nodes of the map stand: in ranks along the calls, with few crossings, for any graph."""

import collections
from collections.abc import Collection, Sequence

Call = tuple[str, str]


class Places:
    """`rank` of a node, 0 for what nobody calls, and its `place` in the rank, 0 in the middle."""

    def __init__(self, nodes: Collection[str], calls: Collection[Call]) -> None:
        forward = _without_circles(sorted(nodes), calls)
        self.rank = _ranks(nodes, forward)
        self.place: dict[str, float] = {}
        rows: dict[int, list[str]] = collections.defaultdict(list)
        for node in sorted(nodes):
            rows[self.rank[node]].append(node)
        for _, row in sorted(rows.items()):
            self._put(row, forward)

    def _put(self, row: list[str], forward: Sequence[Call]) -> None:
        """Each as near as can be to the middle of what calls it."""
        wanted = {}
        for node in row:
            places = [self.place[caller] for caller, called in forward if called == node]
            wanted[node] = sum(places) / len(places) if places else 0.0
        for index, node in enumerate(sorted(row, key=lambda one: (wanted[one], one))):
            self.place[node] = index - (len(row) - 1) / 2


def _without_circles(nodes: Sequence[str], calls: Collection[Call]) -> list[Call]:
    """The calls without those that lead back: what a walk in depth finds on its own path."""
    called = {end for begin, end in calls if begin != end}
    after: dict[str, list[str]] = collections.defaultdict(list)
    for begin, end in sorted(calls):
        after[begin].append(end)
    seen: set[str] = set()
    forward = []
    for first in sorted(nodes, key=lambda node: node in called):
        way = [(first, iter(after[first]))] if first not in seen else []
        seen.add(first)
        while way:
            node, rest = way[-1]
            called_next = next(rest, None)
            if called_next is None:
                way.pop()
            elif all(called_next != each for each, _ in way):
                forward.append((node, called_next))
                if called_next not in seen:
                    seen.add(called_next)
                    way.append((called_next, iter(after[called_next])))
    return forward


def _ranks(nodes: Collection[str], forward: Sequence[Call]) -> dict[str, int]:
    """The most calls that lead to a node one after the other."""
    rank = dict.fromkeys(nodes, 0)
    for _ in nodes:
        moved = False
        for begin, end in forward:
            if rank[end] <= rank[begin]:
                rank[end] = rank[begin] + 1
                moved = True
        if not moved:
            break
    return rank
