#!/usr/bin/env python3
"""Writes what belongs to a program of a release: the licences of everything in it, and a bill of materials.

usage: attachments.py --target TRIPLE --version VERSION --licences FOLDER --sbom FILE

The crates are those that cargo resolves for the target, without development and build dependencies. Each crate's
licence files are copied; a crate without any must be under Apache-2.0, whose text is the same for all. FOLDER/third-party.tsv lists all parts. The bill of materials is CycloneDX 1.5 in JSON.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import uuid

IS_LICENCE = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)", re.I)

# What the toolchain puts into every program: name, licence, where Debian keeps the text, and for which targets.
OF_TOOLCHAIN = [
    ("rust-standard-library", "MIT OR Apache-2.0", "/usr/share/doc/rustc-web/copyright", ""),
    ("glibc", "LGPL-2.1-or-later", "/usr/share/doc/libc6/copyright", "linux"),
    ("libgcc", "GPL-3.0-or-later WITH GCC-exception-3.1", "/usr/share/doc/libgcc-s1/copyright", ""),
    ("mingw-w64", "ZPL-2.1", "/usr/share/doc/mingw-w64-x86-64-dev/copyright", "windows"),
]


def cargo(*args):
    done = subprocess.run(["/usr/bin/cargo", *args], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"attachments.py: cargo {args[0]}: {done.stderr}")
    return done.stdout


# What a release has: the package, and the workspace that it is in.
BUILT = [("pml-cli", "Cargo.toml"), ("pml-duckdb", "cli/duckdb/Cargo.toml")]


def crates_of(target):
    """The crates that are linked into the program and the extension, by name and version, with their manifests."""
    packages, edges = {}, {}
    for built, manifest in BUILT:
        found = cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", target, "--manifest-path", manifest)
        metadata = json.loads(found)
        packages.update((package["id"], package) for package in metadata["packages"])
        nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
        todo = [package["id"] for package in metadata["packages"] if package["name"] == built]
        seen = set(todo)
        while todo:
            crate = todo.pop()
            linked = [dep["pkg"] for dep in nodes[crate]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
            # Macros run while the program is built, and are not in it.
            linked = [dep for dep in linked if "proc-macro" not in [k for t in packages[dep]["targets"] for k in t["kind"]]]
            edges[crate] = sorted({*edges.get(crate, []), *linked})
            todo.extend(dep for dep in linked if dep not in seen)
            seen.update(linked)
    return [packages[crate] for crate in sorted(edges, key=lambda c: (packages[c]["name"], packages[c]["version"]))], edges


def checksums():
    """Checksums of the crates, from the lock files."""
    found, entry = {}, {}
    locks = [pathlib.Path(manifest).with_suffix(".lock").read_text(encoding="utf-8") for _, manifest in BUILT]
    for line in "\n".join(locks).splitlines():
        if line == "[[package]]":
            entry = {}
        elif match := re.match(r'^(name|version|checksum) = "(.*)"$', line):
            entry[match[1]] = match[2]
            if match[1] == "checksum":
                found[entry["name"], entry["version"]] = match[2]
    return found


def write_licences(crates, parts, folder):
    rows = ["name\tversion\tlicence\ttext"]
    for crate in crates:
        if crate["source"] is None:
            continue
        home = pathlib.Path(crate["manifest_path"]).parent
        texts = sorted(path for path in home.iterdir() if path.is_file() and IS_LICENCE.match(path.name))
        name = f"{crate['name']}-{crate['version']}"
        for path in texts:
            (folder / name).mkdir(exist_ok=True)
            shutil.copyfile(path, folder / name / path.name)
        where = name
        if not texts:
            if "Apache-2.0" not in (crate["license"] or ""):
                sys.exit(f"attachments.py: {name} has no text of its licence, {crate['license']}")
            shutil.copyfile("LICENSE-APACHE", folder / "Apache-2.0.txt")
            where = "Apache-2.0.txt"
        rows.append("\t".join([crate["name"], crate["version"], crate["license"] or "see the text", where]))
    for name, licence, text, _ in parts:
        if not os.path.exists(text):
            sys.exit(f"attachments.py: {text} is missing, the licence of {name}")
        shutil.copyfile(text, folder / f"{name}.txt")
        rows.append("\t".join([name, "", licence, f"{name}.txt"]))
    (folder / "third-party.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def sbom(crates, edges, parts, args):
    sums = checksums()
    reference = {crate["id"]: f"pkg:cargo/{crate['name']}@{crate['version']}" for crate in crates}

    def component(crate):
        entry = {"type": "library", "bom-ref": reference[crate["id"]], "name": crate["name"], "version": crate["version"],
                 "purl": reference[crate["id"]]}
        if crate["license"]:
            entry["licenses"] = [{"expression": crate["license"].replace("/", " OR ")}]
        if checksum := sums.get((crate["name"], crate["version"])):
            entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return entry

    program = next(crate for crate in crates if crate["name"] == "pml-cli")
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"])))
    toolchain = [{"type": "library", "bom-ref": name, "name": name, "licenses": [{"expression": licence}]}
                 for name, licence, _, _ in parts]
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": "urn:uuid:" + str(uuid.uuid5(uuid.NAMESPACE_URL, f"pml {args.version} {args.target} {date}")),
        "metadata": {"timestamp": date, "component": {"type": "application", "bom-ref": reference[program["id"]],
                                                      "name": "pml", "version": args.version}},
        "components": [component(crate) for crate in crates if crate["id"] != program["id"]] + toolchain,
        "dependencies": [{"ref": reference[crate["id"]], "dependsOn": sorted(reference[d] for d in edges[crate["id"]])}
                         for crate in crates],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ["--target", "--version", "--licences", "--sbom"]:
        parser.add_argument(option, required=True)
    args = parser.parse_args()
    crates, edges = crates_of(args.target)
    parts = [part for part in OF_TOOLCHAIN if part[3] in args.target]
    write_licences(crates, parts, pathlib.Path(args.licences))
    text = json.dumps(sbom(crates, edges, parts, args), indent=1, ensure_ascii=False)
    pathlib.Path(args.sbom).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
