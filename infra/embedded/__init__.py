"""The whole system on one machine without Docker: real parts, supervised, for demo and tests."""
