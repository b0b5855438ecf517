"""What the real parts need of the machine is said before anything is started."""

from pathlib import Path

import pytest

from embedded.native import __main__ as needs


def test_what_is_missing_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["needs"])
    assert needs.main() == 1
    said = capsys.readouterr().err
    for program in ("java", "mvn", "go", "node", "npm", "openssl"):
        assert f"{program} was not found: install" in said


def test_packages_are_named_for_a_script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["needs", "--debian"])
    assert needs.main() == 0
    assert {"maven", "nodejs", "npm", "openssl", "chromium"} <= set(capsys.readouterr().out.split())
