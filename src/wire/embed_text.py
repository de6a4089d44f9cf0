#!/usr/bin/env python3
"""Writes a text file as a C++ raw string literal, to be included where a string is wanted: embed_text.py IN OUT"""
import sys

with open(sys.argv[1], encoding="utf-8") as source:
    text = source.read()
if ')text"' in text:
    sys.exit(f"{sys.argv[1]}: contains the end of the literal")
with open(sys.argv[2], "w", encoding="utf-8") as target:
    target.write('R"text(' + text + ')text"\n')
