"""The methods: one a file, its presets beside it, behind the interface of `base.Detector`."""
