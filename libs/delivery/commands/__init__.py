"""What the commands of an operator have in common: what they say and ask, how each of them runs,
and with which status it ends."""
