"""What is kept: bytes, with what is asked of them beside; bounded, the oldest goes first."""
