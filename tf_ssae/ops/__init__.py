"""Tensors or arrays in, the same out: no model, no setting, no file."""
