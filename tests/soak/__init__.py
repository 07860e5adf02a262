"""The daemon killed again and again at random moments, while images are pushed, moved, signed late and reviewed.

Real processes, real ``kill -9``, the real command line. In the end one daemon is left alone until it has nothing to
do, and the world must be as if it had never died.
"""
