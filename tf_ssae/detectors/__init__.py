"""The methods: one per file, with its presets, behind the interface of `base.Detector`."""
