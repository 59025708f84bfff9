"""Which score decides, above what, and what that promises."""
