"""From the broker to an effect: retried, dead-lettered, and committed only when it is durable."""
