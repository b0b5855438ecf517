"""What comes in: bodies are inflated, split and decoded here, within the limits."""
