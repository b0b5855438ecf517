"""Records that are there already, once more: to look at, to handle again, to publish again.

``selection`` (which), ``arguments`` (how an operator writes it), ``reading`` (without a group: no
offset is ever moved), ``newest`` (of each key), ``handling`` (through a handler, in the
foreground), ``shadow`` and ``rebuild`` (a table made anew from a topic, beside the live one).

What comes of a record here says that it is a replay, and links to the span that first sent the
record and to the span in which the replay was asked for. The old trace context is nobody's parent.
"""
