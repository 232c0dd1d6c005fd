"""The child of compiler.py, run as a script: one order as JSON on standard input, one answer on standard output."""

import json
import resource
import sys
from pathlib import Path
from typing import Any

import typst

OPTIONS = ("format", "pdf_standards", "timestamp", "ppi")


def answer(order: dict[str, Any]) -> dict[str, Any]:
    """Names of the files written into the root, and the values of the query; a query without a match writes none."""
    root = Path(order["root"])
    compiler = typst.Compiler(
        str(root / order["main"]),
        root=str(root),
        font_paths=[order["fonts"]],
        ignore_system_fonts=True,
        sys_inputs=order["inputs"],
    )
    try:
        values = json.loads(compiler.query(order["query"], field="value")) if "query" in order else []
        if "query" in order and not values:
            return {"files": [], "values": []}
        made = compiler.compile(**{option: order[option] for option in OPTIONS if option in order})
    except RuntimeError as error:
        return {"error": str(error)}
    files = []
    for number, content in enumerate(made if isinstance(made, list) else [made], 1):
        files.append(f"made-{number:03d}")
        (root / files[-1]).write_bytes(content or b"")
    return {"files": files, "values": values}


if __name__ == "__main__":
    order = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (order["memory"], order["memory"]))
    resource.setrlimit(resource.RLIMIT_CPU, (order["seconds"], order["seconds"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    json.dump(answer(order), sys.stdout)
