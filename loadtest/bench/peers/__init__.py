"""What the system is compared with: small, honest programs in the usual stack of each task."""
