"""Files and the terminal: what concerns the machine and not the method."""
