"""The figures of the thesis, one a file, drawn from stored results alone as PNG and SVG."""
