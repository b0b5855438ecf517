"""Whatever a record's headers and failure are, its dead letter keeps them and can be read."""

from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from delivery.dead_letters.story import PREFIX, DeadLetter, headers_of, original_headers, read_story

text = st.text(max_size=30)
suffixes = st.sampled_from(["topic", "offset", "attempts", "failed-at", "trace", ""])
names = text | suffixes.map(lambda suffix: PREFIX + suffix)
headers = st.lists(st.tuples(names, st.none() | st.binary(max_size=20)), max_size=6)
stories = st.builds(
    DeadLetter,
    topic=text,
    partition=st.integers(0),
    offset=st.integers(0),
    timestamp=st.integers(),
    group=text,
    error_type=text,
    error_message=text,
    attempts=st.integers(0),
    failed_at=st.datetimes(timezones=st.just(UTC)),
    trace=st.none() | text,
)


@given(stories, headers)
def test_story_and_headers_come_back_as_they_went(
    story: DeadLetter, own: list[tuple[str, bytes | None]]
) -> None:
    sent = headers_of(story, own)
    assert read_story(sent) == story
    assert original_headers(sent) == own


@given(st.lists(stories, min_size=2, max_size=3), headers)
def test_dead_letters_of_dead_letters_are_unpacked_one_by_one(
    stories: list[DeadLetter], own: list[tuple[str, bytes | None]]
) -> None:
    sent = own
    for story in stories:
        sent = list(headers_of(story, sent))
    for story in reversed(stories):
        assert read_story(sent) == story
        sent = list(original_headers(sent))
    assert sent == own
