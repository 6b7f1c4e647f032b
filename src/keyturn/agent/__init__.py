"""The agent: a supervisor that never holds a secret, and the keeper that it forks, which decides."""
