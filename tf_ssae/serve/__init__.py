"""A stored model behind HTTP: TF Serving's REST paths, metrics, and a page to drop a photo on."""
