"""Where the trials of a sweep are played; each is a function (queue, **options) -> events."""
