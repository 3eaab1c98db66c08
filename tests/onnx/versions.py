#!/usr/bin/env python3
"""Compares the since-versions that adze implements with those of the installed onnx package.

    versions.py ADZE

An operator that adze has must name every version of it, or a changed meaning would go unnoticed; deprecated ones are as
it likes, and MISSING lists those that it refuses. Exit code 77 without the onnx package.
"""
import subprocess
import sys

try:
    from onnx import defs
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

# The least opset that a kept version selects comes after these, so that a model of theirs is refused.
MISSING = {("ai.onnx", "Upsample"): {1}}


def implemented(adze):
    lines = subprocess.run([adze, "operators"], capture_output=True, text=True, check=True).stdout.splitlines()
    versions, domain = {}, None
    for line in lines:
        if line.startswith(" "):
            name, numbers = line.split("|")[:2]
            versions[domain, name.strip()] = {int(number) for number in numbers.split(",")}
        else:
            domain = line.split(":")[0]
    return versions


def main():
    defined, deprecated = {}, {}
    for schema in defs.get_all_schemas_with_history():
        into = deprecated if schema.deprecated else defined
        into.setdefault((schema.domain or "ai.onnx", schema.name), set()).add(schema.since_version)
    bad = 0
    for name, versions in implemented(sys.argv[1]).items():
        wanted = defined.get(name, set()) - MISSING.get(name, set())
        if name in defined and versions - deprecated.get(name, set()) != wanted:
            print(f"{'.'.join(name)}: has {sorted(versions)}, onnx has {sorted(wanted)}")
            bad = 1
    sys.exit(bad)


if __name__ == "__main__":
    main()
