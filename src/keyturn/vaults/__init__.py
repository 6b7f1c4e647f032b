"""Where items are kept: the protocol of a backend, and the backends behind it."""
