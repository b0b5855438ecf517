"""Where the nodes of the map stand."""

from hypothesis import given
from hypothesis import strategies as st

from embedded.receiver.answers.layout import Places

NAMES = st.sampled_from("abcdef")


def test_ranks_follow_the_calls_and_the_longest_way_counts():
    calls = {("client", "app"), ("app", "topic"), ("topic", "worker"), ("app", "worker")}
    calls |= {("worker", "database"), ("app", "database")}
    rank = Places({one for call in calls for one in call}, calls).rank
    assert rank == {"client": 0, "app": 1, "topic": 2, "worker": 3, "database": 4}


def test_a_rank_stands_around_its_middle_near_what_calls_it():
    calls = {("a", "y"), ("b", "x")}
    places = Places(set("abxy"), calls)
    assert places.place == {"a": -0.5, "b": 0.5, "y": -0.5, "x": 0.5}


def test_calls_in_a_circle_have_ranks():
    calls = {("a", "b"), ("b", "c"), ("c", "a"), ("c", "c")}
    assert Places(set("abc"), calls).rank == {"a": 0, "b": 1, "c": 2}


@given(st.sets(st.tuples(NAMES, NAMES)))
def test_any_graph_has_a_place_of_its_own_for_each_node(calls):
    nodes = {one for call in calls for one in call}
    places = Places(nodes, calls)
    assert len({(places.rank[node], places.place[node]) for node in nodes}) == len(nodes)
    assert all(0 <= rank < len(nodes) for rank in places.rank.values())
