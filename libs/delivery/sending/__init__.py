"""From a transaction to the broker: a record is written beside the change that it tells of, and
published by whichever process holds the lease, in order, until the broker has acknowledged it."""
