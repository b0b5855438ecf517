"""The documentation of what is emitted, made from the closed lists.

python -m telemetry.document > docs/telemetry.md
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from telemetry.attributes import ATTRIBUTES, Attribute
from telemetry.metric_list import METRICS, Metric
from telemetry.variables import VARIABLES, Variable

_HEAD: Final = """\
# What the services emit

<!-- Made from the lists in libs/telemetry by `python -m telemetry.document`: change those. -->

The lists below are closed: an instrument that is not in the first one is refused when it is made,
and a test holds what the running system sends against both, names and attributes.

Each histogram has exemplars, which lead from a measurement to the trace that it was taken in.
Over OTLP a metric has the name given here; Prometheus has it with underscores, with its unit and,
for a counter, `_total` behind it (`consumer_dead_letters_total`).

Attributes of metrics are bounded: a route's or a URL's template, a topic, a status, the name of an
error's class; never a path, an id or a title. `error.type` is there only where something failed.
"""
_METRICS: Final = """
## Metrics

`http.*`, `db.*` and `messaging.*` are OpenTelemetry's semantic conventions; the others are ours.

"""
_ATTRIBUTES: Final = """
## Attributes of our own

On spans and log records, beside those of the semantic conventions.

"""
_VARIABLES: Final = """
## OpenTelemetry's variables

Every variable of the specification's list. One that is honoured does what the specification says; a
value that could not be used ends the start with one line. One that is refused does so with any
value, because somebody counts on an effect that it has not.

"""
_TREATMENTS: Final = {
    "setting": "honoured",
    "sdk": "honoured",
    "refused": "refused",
    "ignored": "ignored",
}


def document() -> str:
    """The document, in Markdown."""
    metrics = _table(
        ("Metric", "Kind", "Unit", "What it says", "Attributes"), map(_metric, METRICS)
    )
    attributes = _table(("Attribute", "Type", "On", "What it says"), map(_attribute, ATTRIBUTES))
    variables = _table(("Variable", "Here", "Note"), map(_variable, VARIABLES))
    return _HEAD + _METRICS + metrics + _ATTRIBUTES + attributes + _VARIABLES + variables


def _metric(metric: Metric) -> Sequence[str]:
    attributes = ", ".join(map(_code, metric.attributes))
    return (_code(metric.name), metric.kind, _code(metric.unit), metric.meaning, attributes)


def _attribute(attribute: Attribute) -> Sequence[str]:
    return (_code(attribute.name), attribute.type, attribute.on, attribute.meaning)


def _variable(variable: Variable) -> Sequence[str]:
    note = "; ".join(filter(None, (variable.note, variable.takes)))
    return (_code(variable.name), _TREATMENTS[variable.treatment], note)


def _code(text: str) -> str:
    return f"`{text}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    sys.stdout.write(document())
