"""The dead letters of a topic as an operator sees them: a table with one row for each record that
was given up, found by the place that it came from, and what was done about it.

``table`` (the columns), ``indexer`` (fills it from the dead-letter topic, in the worker), ``store``
(asks it), ``redrive`` (sends records back to where they came from). The table lists; what is
durable is the topic, from which the table could be filled again.
"""
