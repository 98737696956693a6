"""A warning of our own code fails a test. What a newer Python or library announces is shown, and fails nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LIBRARY = """
import warnings

def says(category, stacklevel=1):
    warnings.warn("says the library", category, stacklevel=stacklevel)
"""

TESTS = '''
import gc
import threading
import warnings

import pytest

from library import says

class NewDeprecation(DeprecationWarning):
    """As a library makes its own."""

ANNOUNCED = [NewDeprecation, PendingDeprecationWarning, FutureWarning]

@pytest.mark.parametrize("category", [*ANNOUNCED, UserWarning, ResourceWarning])
def test_passes_library(category):
    says(category)

@pytest.mark.parametrize("category", ANNOUNCED)
def test_passes_library_speaks_of_our_line(category):
    says(category, stacklevel=2)

@pytest.mark.parametrize("category", [UserWarning, RuntimeWarning])
def test_fails_ours(category):
    warnings.warn("say we", category)

def test_fails_ours_about_a_library():
    says(UserWarning, stacklevel=2)

def test_fails_file_left_open():
    open(__file__)
    gc.collect()

def test_fails_thread_that_dies():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
'''


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Tests that warn, run with our settings: how each ended, by name, and what was shown."""
    folder = tmp_path_factory.mktemp("warning")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_warning.py").write_text(TESTS)
    (folder / "library.py").write_text(LIBRARY)
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", folder]
    words = ["-p", "no:cacheprovider", "-rA", folder / "tests"]
    env = {**os.environ, "PYTHONPATH": str(folder)}
    told = subprocess.run([*command, *words], capture_output=True, text=True, env=env, check=False).stdout
    ends = re.findall(r"^(PASSED|FAILED) \S+::(\S+)", told, re.MULTILINE)
    return {name: end == "PASSED" for end, name in ends}, told


@pytest.mark.slow
def test_only_our_own_warnings_fail_a_test_and_all_others_are_shown(run):
    ends, told = run

    assert len(ends) == 13, told
    assert ends == {name: name.startswith("test_passes") for name in ends}, told
    for category in ("NewDeprecation", "PendingDeprecationWarning", "FutureWarning", "UserWarning", "ResourceWarning"):
        assert f"{category}: says the library" in told.partition("warnings summary")[2]
