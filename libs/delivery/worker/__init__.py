"""A worker beyond its records: who is leader, which of Faust's settings and features are refused,
and the ``faust`` command line."""
