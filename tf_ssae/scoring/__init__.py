"""Image files to rows, by any stored model."""
