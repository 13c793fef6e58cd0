import os, pathlib
def test_planted_once():
    p = pathlib.Path("/tmp/planted"); seen = p.exists(); p.touch(); assert seen, "a - b"
def test_planted_fine():
    pass
