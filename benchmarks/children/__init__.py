"""Programs that a benchmark starts: what is measured, alone in a process of its own."""
