"""Kills usher and its PostgreSQL again and again under mixed writes, and checks what is left against what was answered.

`python -m chaos` runs it; `test_chaos.py` runs a short one and shows that the checks can fail.
"""
