"""Answers as tables, a file for each kind of answer.

Works on the plain form, so that local and remote answers look the same.
"""
