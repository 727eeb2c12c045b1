"""Every case of every transcript, over TCP against mini_redis in process."""

import pytest

from tests import resp
from tests.transcripts import runner

CASES = [(path.stem, case) for path in runner.transcript_paths() for case in runner.read_cases(path.read_text("utf-8"))]


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{stem}: {case.title}") for stem, case in CASES])
def test_transcript(case, manual_server):
    """The replies are those of the file."""
    server, clock = manual_server
    runner.check_case(case, runner.Session("127.0.0.1", server.port, clock.advance))


def test_titles_are_unique_within_a_file():
    """A failure names its case by file and title."""
    titles = [(stem, case.title) for stem, case in CASES]
    assert len(titles) == len(set(titles))


def test_placeholders_match_what_they_stand_for():
    """`<int>`, `<any>` and `...` stand for no more than the runner's notes say."""
    assert runner.matches(["(integer) <int>"], ["(integer) -12"])
    assert not runner.matches(["(integer) <int>"], ["(integer) x"])
    assert runner.matches(['"a<any>"'], ['"a.b.c"'])
    assert runner.matches(["a", "...", "z"], ["a", "b", "c", "z"])
    assert not runner.matches(["a", "..."], ["b"])


def test_written_cases_read_back_the_same():
    """`--record` loses nothing."""
    text = '# A title\n!since 7.4\n> SET k "a b"\nOK\n@ +5ms\n~>3 KEYS *\n1) "k"\n'
    assert runner.write_cases("", runner.read_cases(text)) == text


def test_quoting_round_trip():
    """What `quote` writes `split_command` reads back, for each byte."""
    data = bytes(range(256))
    assert resp.split_command("SET k " + resp.quote(data)) == [b"SET", b"k", data]
