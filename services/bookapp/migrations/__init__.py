"""Piccolo's migrations of bookapp, in the order of their file names; a released one is frozen."""
