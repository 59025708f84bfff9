"""Flags in, a sentence out; no logic. The only room that reads flags, exits, or quiets
TensorFlow.
"""
