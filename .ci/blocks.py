#!/usr/bin/env python3
"""Runs the code blocks of pages, in order, as a reader would.

usage: blocks.py PML SAMPLES PAGE…

PML is the built program, SAMPLES the folder of the project's logs. Each page has a new folder with `captures/PC-1` and
`captures/PC-2`, their zip files, and `Bootlog.pml`. Blocks of `sh`, `python` and `sql` are run there: `sql` by DuckDB. The
Python blocks of a page share their names. A comment before a block changes that:

    <!-- not run: REASON -->    the block is only parsed: sh, python, yaml (which must be an object of Kubernetes), dockerfile
    <!-- each line alone -->    every line of a sh block is run from the state before the block; that of the last one stays

The last line of output is `N run, N parsed, N failed`.
"""

import ast
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
import zipfile

BLOCK = re.compile(r"^(?:<!-- (?P<mark>not run: [^>]+|each line alone) -->\n)?```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.M | re.S)

DUCKDB = """#!{python}
# The command line of DuckDB, as far as pages use it: `duckdb -init FILE`, and statements on standard input.
import sys, duckdb
db = duckdb.connect()
if sys.argv[1:2] == ["-init"]:
    db.execute(open(sys.argv[2], encoding="utf-8").read())
text = sys.stdin.read() if not sys.stdin.isatty() else ""
if text.strip():
    print(db.execute(text).fetchall())
"""


def prepare(folder, samples):
    """The files that the pages talk about."""
    for capture, log in [("PC-1", "missing-payload"), ("PC-2", "disk-and-missing")]:
        place = folder / "captures" / capture
        place.mkdir(parents=True)
        for part in sorted((samples / log).glob("*.pml")):
            shutil.copy(part, place)
        with zipfile.ZipFile(folder / f"{capture}.zip", "w") as archive:
            for part in sorted(place.iterdir()):
                archive.write(part, part.name)
    for part in (samples / "missing-payload").glob("*.pml"):
        shutil.copy(part, folder)


def parse(kind, code):
    """Checks a block that cannot be run here."""
    if kind == "sh":
        subprocess.run(["bash", "-n"], input=code, text=True, check=True)
    elif kind == "python":
        ast.parse(code)
    elif kind == "yaml":
        import yaml

        for document in yaml.safe_load_all(code):
            assert {"apiVersion", "kind", "metadata", "spec"} <= document.keys(), document.keys()
            assert document["metadata"]["name"]
            if document["kind"] == "Job":
                pod = document["spec"]["template"]["spec"]
                assert pod["restartPolicy"] in ("Never", "OnFailure")
                volumes = {volume["name"] for volume in pod["volumes"]}
                for container in pod["containers"]:
                    assert container["name"] and container["image"]
                    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
                    assert all(isinstance(text, str) for text in container["command"] + container["args"])
                    subprocess.run(["bash", "-n"], input=container["args"][-1], text=True, check=True)
    elif kind == "dockerfile":
        known = {"FROM", "USER", "RUN", "COPY", "ENV", "ENTRYPOINT", "CMD", "WORKDIR"}
        lines = [line for line in code.splitlines() if line.strip()]
        assert lines[0].startswith("FROM ") and all(line.split()[0] in known for line in lines)
    else:
        raise ValueError(f"a block of {kind!r} cannot be parsed here")


def shell(code, environment):
    # Warnings of the programs are not wanted, but a reader of a failure needs them.
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], capture_output=True, text=True, env=environment, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def each_line(code, environment):
    """Runs every line from one state."""
    here = pathlib.Path.cwd()
    before = {path.name for path in here.iterdir()}
    lines = [line for line in code.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        shell(line, environment)
        for path in here.iterdir():
            if path.name not in before and number + 1 < len(lines):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def run(page, pml, samples, counts):
    """Runs the blocks of a page."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prepare(folder, samples)
        tools = folder.parent / f"{folder.name}-tools"
        tools.mkdir()
        (tools / "pml").symlink_to(pml)
        (tools / "duckdb").write_text(DUCKDB.format(python=sys.executable))
        (tools / "duckdb").chmod(0o755)
        environment = {**os.environ, "PATH": os.pathsep.join([str(tools), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]), "LC_ALL": "C.UTF-8"}
        here = os.getcwd()
        os.chdir(folder)
        names = {"__name__": "__main__"}
        try:
            for found in BLOCK.finditer(text):
                kind, code, mark = found["kind"], found["code"], found["mark"] or ""
                line = text.count("\n", 0, found.start()) + 1
                if kind == "text":
                    continue
                try:
                    if mark.startswith("not run"):
                        parse(kind, code)
                        counts["parsed"] += 1
                        continue
                    if kind == "sh":
                        (each_line if mark else shell)(code, environment)
                    elif kind == "python":
                        exec(compile(code, f"{page}:{line}", "exec"), names)
                    elif kind == "sql":
                        import duckdb

                        for statement in duckdb.extract_statements(code):
                            duckdb.connect().execute(statement).fetchall()
                    else:
                        raise ValueError(f"a block of {kind!r} is not run: mark it")
                    counts["run"] += 1
                    print(f"ok      {page.name}:{line} {kind}", flush=True)
                except Exception:
                    counts["failed"] += 1
                    print(f"FAILED  {page.name}:{line} {kind}\n{traceback.format_exc()}", flush=True)
        finally:
            os.chdir(here)
            shutil.rmtree(tools)


def main():
    pml, samples, *pages = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    counts = {"run": 0, "parsed": 0, "failed": 0}
    if len(pages) == 1:
        run(pages[0], pml, samples, counts)
    else:
        for page in pages:
            # In a process of its own: Spark keeps the folder in which it was started.
            done = subprocess.run([sys.executable, __file__, pml, samples, page], stdout=subprocess.PIPE, text=True)
            *lines, last = done.stdout.splitlines() or [""]
            print("\n".join(lines), flush=True)
            found = dict((word, int(count)) for count, word in re.findall(r"(\d+) (\w+)", last))
            for word in counts:
                counts[word] += found.get(word, 0)
            counts["failed"] += done.returncode != 0 and not found.get("failed")
    print("{run} run, {parsed} parsed, {failed} failed".format(**counts))
    return 1 if counts["failed"] or not counts["run"] else 0


if __name__ == "__main__":
    sys.exit(main())
