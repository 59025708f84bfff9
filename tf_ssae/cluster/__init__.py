"""Beyond one machine: scoring by many, and many runs, on a cluster of Ray's.

On one machine nothing here is needed. The extra `[cluster]` installs Ray.
"""
