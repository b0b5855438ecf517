"""The demo: `python -m embedded.demo` starts everything, takes a tour, and shows its traces."""
