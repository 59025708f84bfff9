"""Layers written for speed; each equals Keras' own, which a test checks."""
