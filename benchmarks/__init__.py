"""Benchmarks: ratios against peers measured in the same run. Never timed tests; see docs/performance.md."""
