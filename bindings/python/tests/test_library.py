"""Finding the library, and refusing one that is not it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, run_python

from libposthog import __version__, _ffi

SOURCE = "import libposthog"


class Library(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def refused(self, path: str) -> str:
        done = run_python(SOURCE, POSTHOG_LIBRARY=path)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ImportError: libposthog: ", done.stderr)
        return done.stderr

    def compiled(self, source: str) -> str:
        compiler = shutil.which("cc")
        if compiler is None:
            self.skipTest("there is no C compiler")
        program = self.folder / "library.c"
        library = self.folder / "library.so"
        program.write_text(source)
        command = [compiler, "-shared", "-fPIC", str(program), "-o", str(library)]
        subprocess.run(command, check=True, timeout=60)
        return str(library)

    def test_another_version_is_refused(self) -> None:
        path = self.compiled('const char *ph_version(void) { return "9.8.7"; }')
        message = self.refused(path)
        self.assertIn(f"this package has version {__version__}", message)
        self.assertIn(f"{path} has version 9.8.7", message)

    def test_what_is_not_the_library_is_refused(self) -> None:
        self.assertIn("is not the library", self.refused(self.compiled("int other;")))
        self.assertIn("is not the library", self.refused(str(self.folder / "missing.so")))

    def test_a_function_that_is_not_declared_is_an_error(self) -> None:
        with self.assertRaises(AttributeError):
            _ffi.lib.ph_nonsense()

    def test_the_version_is_the_project_s(self) -> None:
        self.assertIn(f'version = "{__version__}"', (ROOT / "Cargo.toml").read_text())


if __name__ == "__main__":
    unittest.main()
