"""Images to subsets to batches; knows no detector."""
