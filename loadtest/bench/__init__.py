"""The benchmark: what every request traced costs, beside the usual stack doing the same work."""
