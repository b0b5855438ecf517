"""The books: what is accepted, how it is stored and published, and the routes that serve it."""
