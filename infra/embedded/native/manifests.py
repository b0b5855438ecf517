"""actionlint, kustomize and kube-score: small Go programs that read YAML and need no server."""

from collections.abc import Sequence
from pathlib import Path

from embedded.native.cache import fingerprint, provide, run, tool
from embedded.native.gomodule import INSTALL_GO

ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1"
KUBE_SCORE = "github.com/zegl/kube-score/cmd/kube-score@v1.20.0"


def program(name: str, module: str) -> Path:
    """The program `name` of a Go module, built once and kept.

    Raises MissingTool when there is no Go.
    """

    def fill(directory: Path) -> None:
        environ = {"GOBIN": str(directory), "CGO_ENABLED": "0"}
        run([tool("go", INSTALL_GO), "install", "-trimpath", module], directory, environ)

    return provide(name, fingerprint(module), fill) / name


def actionlint(workflow: Path) -> str:
    """What actionlint finds in a hosted workflow, "" when nothing.

    Raises RuntimeError if it finds something, MissingTool when there is no Go.
    """
    return run([program("actionlint", ACTIONLINT), workflow], cwd=workflow.parent, timeout=60)


def kustomize(directory: Path) -> str:
    """The manifests of an overlay, as `kubectl apply -k` would send them.

    Raises RuntimeError with what is wrong in them, MissingTool when there is no Go.
    """
    return run([program("kustomize", KUSTOMIZE), "build", directory], cwd=directory, timeout=60)


def kube_score(manifests: Path, ignored: Sequence[str] = ()) -> str:
    """kube-score's findings, a line each, without the checks that are `ignored`.

    Raises RuntimeError if one of them is critical, MissingTool when there is no Go.
    """
    score = program("kube-score", KUBE_SCORE)
    flags = ["--output-format=ci", "--ignore-container-cpu-limit"]
    flags += [f"--ignore-test={name}" for name in ignored]
    return run([score, "score", manifests, *flags], cwd=manifests.parent, timeout=60)
