"""From scores and the truth to metrics, and from reconstructions to error maps."""
