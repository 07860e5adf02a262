"""VEX documents -> ``core.vex``: one reader per format; ``reader.read`` finds out which it is."""
