"""What is asked: each module answers one part of docs/receiver-api.md from what is kept."""
