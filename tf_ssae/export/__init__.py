"""From a finished run to files that others load: `publish` makes them all, and proves them.

Nothing is imported here, so that the client starts at once: it needs no TensorFlow for REST.
"""
