#!/usr/bin/env python3
"""Writes the manifests for winget and scoop of a release.

usage: manifests.py --version VERSION --url URL --sums SHA256SUMS --out FOLDER

URL is the address below which the archives are published. The three files of winget go to the folder
manifests/p/Pml/Pml/VERSION of its repository, that of scoop to a bucket.
"""

import argparse
import json
import pathlib

DESCRIPTION = "Reads Process Monitor logs, converts them to tables, and says why a Windows update was rolled back"
SCHEMA = "1.6.0"


def winget(version, archive, digest, name):
    head = f"PackageIdentifier: Pml.Pml\nPackageVersion: {version}\n"
    tail = f"ManifestVersion: {SCHEMA}\n"
    return {
        "Pml.Pml.yaml": head + "DefaultLocale: en-US\nManifestType: version\n" + tail,
        "Pml.Pml.locale.en-US.yaml": head + "PackageLocale: en-US\nPublisher: Pml\nPackageName: pml\n"
        f"License: MIT OR Apache-2.0\nShortDescription: {DESCRIPTION}\nMoniker: pml\n"
        "ManifestType: defaultLocale\n" + tail,
        "Pml.Pml.installer.yaml": head + "InstallerType: zip\nNestedInstallerType: portable\nNestedInstallerFiles:\n"
        f"- RelativeFilePath: {name}\\pml.exe\n  PortableCommandAlias: pml\nInstallers:\n- Architecture: x64\n"
        f"  InstallerUrl: {archive}\n  InstallerSha256: {digest.upper()}\nManifestType: installer\n" + tail,
    }


def scoop(version, archive, digest, name):
    return {
        "version": version, "description": DESCRIPTION, "license": "MIT|Apache-2.0",
        "architecture": {"64bit": {"url": archive, "hash": digest, "extract_dir": name}},
        "bin": "pml.exe",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ["--version", "--url", "--sums", "--out"]:
        parser.add_argument(option, required=True)
    args = parser.parse_args()
    sums = dict(reversed(line.split(maxsplit=1)) for line in pathlib.Path(args.sums).read_text().splitlines())
    name = f"pml-{args.version}-windows-x64"
    archive, digest = f"{args.url.rstrip('/')}/{name}.zip", sums[f"{name}.zip"]
    folder = pathlib.Path(args.out, "winget")
    folder.mkdir(exist_ok=True)
    for file, text in winget(args.version, archive, digest, name).items():
        (folder / file).write_text(text, encoding="utf-8")
    text = json.dumps(scoop(args.version, archive, digest, name), indent=4)
    pathlib.Path(args.out, "pml.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
