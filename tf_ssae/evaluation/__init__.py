"""Scores and truth to figures."""
