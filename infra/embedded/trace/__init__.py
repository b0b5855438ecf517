"""A trace in the terminal, with both sides of its links: `python -m embedded.trace ID`."""
