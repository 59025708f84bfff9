"""The figures of the thesis, one per file, drawn from stored results alone as PNG and SVG."""
