"""What concerns the machine and not the method: files, the terminal."""
