"""Advisories, version order, matching, VEX and scan reports: bytes in, values of ``core`` out."""
