"""The command line: what it takes, and one line for what it does not."""

import pytest

from serving import CannotListenError, listen, read_arguments


def read(*argv: str, **environ: str):
    return read_arguments("python -m books", "Books.", argv, environ)


def test_without_arguments_it_is_one_process_on_loopback():
    chosen = read()
    assert (chosen.host, chosen.port, chosen.workers, chosen.root_path) == (
        "127.0.0.1",
        8000,
        1,
        "",
    )


def test_arguments_win_over_the_environment():
    assert read(WEB_CONCURRENCY="3").workers == 3
    assert read(WEB_CONCURRENCY="").workers == 1
    assert read("--workers", "2", WEB_CONCURRENCY="3").workers == 2


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["--port", "x"], {}),
        (["--port", "65536"], {}),
        (["--port", "-1"], {}),
        (["--port", "1_0"], {}),
        (["--workers", "0"], {}),
        (["--workers"], {}),
        (["--nonsense"], {}),
        (["--wor", "2"], {}),
        ([], {"WEB_CONCURRENCY": "many"}),
    ],
)
def test_what_it_does_not_take_is_one_line(capsys, argv, environ):
    with pytest.raises(SystemExit) as ended:
        read(*argv, **environ)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m books: ")


def test_help_names_every_argument(capsys):
    with pytest.raises(SystemExit) as ended:
        read("--help")
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(f"--{name}" in said for name in ("host", "port", "workers", "root-path"))


def test_an_address_that_cannot_be_had_is_one_line():
    taken = listen("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with pytest.raises(CannotListenError, match=rf"^127.0.0.1:{port} is in use: .* set --port$"):
        listen("127.0.0.1", port, "--host", "--port")
    taken.close()
    with pytest.raises(CannotListenError, match="--host takes an address of this machine"):
        listen("192.0.2.1", 0, "--host", "--port")
