"""notices.py METADATA SYSROOT: prints the licences of the crates that are linked into the library.

METADATA is what ``cargo metadata`` prints; crates that only build or test it are left out.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

LICENCE = re.compile(r"^(UN)?LICEN[CS]E|^COPYING|^COPYRIGHT|^NOTICE", re.IGNORECASE)
# Where a crate keeps what is no part of the library.
ELSEWHERE = {"tests", "test", "benches", "examples", "fuzz", "target", ".git"}
LINE = "-" * 80


def linked(metadata: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
    """The packages that the library is linked with, itself left out."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    seen = {root}
    todo = [root]
    while todo:
        for dependency in nodes[todo.pop()]["deps"]:
            package = packages[dependency["pkg"]]
            kinds = {kind["kind"] for kind in dependency["dep_kinds"]}
            is_macro = any("proc-macro" in target["kind"] for target in package["targets"])
            if None in kinds and not is_macro and package["id"] not in seen:
                seen.add(package["id"])
                todo.append(package["id"])
    yield from sorted((packages[each] for each in seen - {root}), key=lambda each: each["name"])


def licences(folder: Path) -> List[Path]:
    """The files with licences, those of C sources inside included."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if LICENCE.match(path.name)
        and path.suffix.lower() in {"", ".txt", ".md", ".mit", ".apache2", ".apache-2.0"}
        and path.is_file()
        and ELSEWHERE.isdisjoint(path.relative_to(folder).parts)
    ]


def main() -> None:
    metadata = json.loads(Path(sys.argv[1]).read_text())
    print("libposthog is linked with the following, under their own licences.")
    printed: Dict[str, str] = {}

    def say(title: str, files: List[Path]) -> None:
        print(f"\n{LINE}\n{title}\n{LINE}")
        for path in files:
            text = path.read_text(errors="replace").strip()
            if text in printed:
                print(f"\n{path.name}: the same text as of {printed[text]}")
            else:
                printed[text] = title
                print(f"\n{text}")

    documents = Path(sys.argv[2]) / "share" / "doc" / "rust" / "licenses"
    # Not every distribution of Rust brings the texts; then those of the crates have them.
    texts = [documents / f"{name}.txt" for name in ("MIT", "Apache-2.0")]
    standard = "The standard library of Rust (MIT OR Apache-2.0), https://github.com/rust-lang/rust"
    say(standard, [text for text in texts if text.exists()])
    for package in linked(metadata):
        title = f"{package['name']} {package['version']} ({package['license']})"
        files = licences(Path(package["manifest_path"]).parent)
        say(title, files)
        if not files:
            authors = ", ".join(package["authors"]) or "its authors"
            print(f"\nby {authors}, {package['repository']}; its package has no text of it")


if __name__ == "__main__":
    main()
