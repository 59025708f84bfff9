"""From image files to rows of scores and decisions, by any stored model."""
