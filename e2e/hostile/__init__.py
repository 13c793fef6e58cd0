"""Every text that anybody can set, as 40 texts that would run something, on every page that shows it: nothing runs.

The tables say where each text of a request's body is shown, by which it is refused, or why no page shows it. All payloads are in
`LINES`, a few in each, as many as a name has room for: of many things each has other lines in its texts, so that in the end every
text has had all of them.
"""
