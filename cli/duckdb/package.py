#!/usr/bin/env python3
"""Makes the file that DuckDB loads of the library that cargo builds: the same bytes, and a footer of 512 bytes.

    cli/duckdb/package.py target/debug/libpml_duckdb.so --platform linux_amd64 --out target/duckdb

The name of the file, pml.duckdb_extension, is part of the interface: DuckDB makes the name of the entry point of it.
"""

import argparse
import pathlib
import platform
import re

NAME = "pml.duckdb_extension"
# The oldest version of DuckDB's C interface that has every function the extension calls.
API_VERSION = "v1.2.0"
# The interface is stable: one file for all later versions.
ABI = "C_STRUCT"
FORMAT = "4"
FIELD, SIGNATURE = 32, 256


def this_platform():
    """The platform of this machine, as DuckDB calls it."""
    system = {"Linux": "linux", "Windows": "windows", "Darwin": "osx"}[platform.system()]
    machine = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64", "ARM64": "arm64"}
    return f"{system}_{machine[platform.machine()]}"


def footer(version, target):
    """Eight fields, the first three empty, and room for a signature."""
    fields = ["", "", "", ABI, version, API_VERSION, target, FORMAT]
    return b"".join(field.encode().ljust(FIELD, b"\0") for field in fields) + bytes(SIGNATURE)


def version():
    manifest = pathlib.Path(__file__).with_name("Cargo.toml").read_text()
    return "v" + re.search(r'^version = "(.*)"', manifest, re.MULTILINE).group(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("--platform", default=this_platform(), help="linux_amd64, windows_amd64, osx_arm64, … [%(default)s]")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the file")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    # Beside its place first: a process may have the old file loaded.
    target, new = arguments.out / NAME, arguments.out / (NAME + ".new")
    new.write_bytes(arguments.library.read_bytes() + footer(version(), arguments.platform))
    new.replace(target)
    print(f"{target}: {target.stat().st_size:,} bytes for {arguments.platform}")


if __name__ == "__main__":
    main()
