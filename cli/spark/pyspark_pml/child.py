"""Converts one capture, in a process of its own, so that neither memory nor a crash reach the worker.

The request is one line of JSON on standard input, the answer one on standard output.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


# What the compressor says. That ends the process, as other lack of memory does.
NO_MEMORY = "not enough memory"


def limit_memory(limit: int | None) -> None:
    """Limits what this process allocates. Mapped logs do not count on Linux."""
    if not limit:
        return
    try:
        import resource
    except ImportError:
        # Windows has none of this; the time limit remains.
        return
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def convert(request: dict[str, Any]) -> dict[str, Any]:
    """Writes the tables of a capture. An answer has ``error`` where it cannot be read."""
    import procmon_pml

    try:
        log = procmon_pml.open(
            request["path"], all_parts=request["all_parts"], recover=request["recover"], mmap=True
        )
    except (procmon_pml.PmlError, OSError) as failed:
        return {"error": str(failed)}
    lost = [f"{path} is left out" for path in log.left_out]
    lost += [f"{first} is missing" if first == last else f"{first} to {last} are missing" for first, last in log.missing]
    try:
        log.convert(
            request["output"],
            columns=request["columns"],
            where=request["where"],
            types=request["types"],
            capture_id=request["id"],
            threads=request["threads"],
        )
    except (procmon_pml.PmlError, OSError) as failed:
        if NO_MEMORY in str(failed):
            raise
        if not isinstance(failed, OSError):
            return {"error": str(failed)}
        # An error of writing names the output, one of reading does not.
        of_output = failed.filename is not None or str(failed).startswith(os.path.dirname(request["output"]))
        return {"output": str(failed)} if of_output else {"error": str(failed)}
    return {"lost": lost}


def main() -> None:
    """Answers one request."""
    request = json.loads(sys.stdin.readline())
    limit_memory(request["memory"])
    print(json.dumps(convert(request)), flush=True)


if __name__ == "__main__":
    main()
