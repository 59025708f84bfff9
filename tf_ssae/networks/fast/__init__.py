"""Layers written for speed: Keras' own give the same results, which tests check, but slower."""
