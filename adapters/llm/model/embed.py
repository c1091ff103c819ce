#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes text files as C strings: embed.py OUT.c FILE..., each as mw_builtin_NAME."""
import os
import sys


def literal(line):
    """One line of a file as a C string literal, in octal where a byte is not plain."""
    text = "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
                   for byte in line)
    return f'    "{text}"\n'


def main(out, files):
    with open(out, "w", encoding="ascii") as to:
        to.write('#include "adapters/llm/model/builtin.h"\n')
        for path in files:
            name = os.path.splitext(os.path.basename(path))[0]
            with open(path, "rb") as file:
                lines = file.read().splitlines(keepends=True)
            to.write(f"\nconst char mw_builtin_{name}[] =\n{''.join(map(literal, lines))};\n")


main(sys.argv[1], sys.argv[2:])
