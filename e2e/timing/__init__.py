"""Whether the time of an answer tells that an account exists (R-026).

`python -m timing` measures it at length; `test_sameness.py` runs a short measurement and shows that it finds a planted leak.
"""
