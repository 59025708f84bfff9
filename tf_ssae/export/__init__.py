"""From a finished run to files that other programs load: `publish` writes and proves them.

Nothing is imported here, so that the client starts at once: it needs no TensorFlow for REST.
"""
