"""Scan reports of others -> ``core.scan_report``: one reader per format; ``reader`` finds out which it is."""
