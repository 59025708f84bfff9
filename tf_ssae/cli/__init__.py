"""Flags in, a sentence out; no logic. The only room that reads flags, exits, or quiets TensorFlow.

One module per verb of the console command `tf-ssae`, each with a `VERB`; what they share is in
`verb`, `settings`, `plugins` and `quiet`. TensorFlow is imported when a verb runs, not before, so
that --help and mistakes in flags are answered at once.
"""
