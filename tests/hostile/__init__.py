"""Models made to harm: what must happen to each, in bounded time and memory."""
