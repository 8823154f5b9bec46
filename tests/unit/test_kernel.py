"""The kernel cache: four ways in which plain Numba caching gives wrong results; not here."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numba
import numpy as np
import pytest

from gammagym import _kernel, _numba
from gammagym._kernel import KERNEL_SOURCES, PACKAGE, kernel

CALLEE = '''
"""A fee."""
from gammagym._kernel import kernel

RATE = 2

@kernel
def fee(notional):
    return notional * RATE
'''
CALLER = '''
"""Code that calls it, in another file."""
from gammagym._kernel import kernel
from gammagym.engine.fees import fee

@kernel
def total(notional):
    return fee(notional) + 1

@kernel
def beyond(values, index):
    return values[index]
'''

SHARED = '''
"""A fee that many ask for."""
import numpy as np
from gammagym._kernel import kernel

RATE = 2

@kernel(shared=True)
def fee(notionals, index):
    return notionals[index] * RATE

@kernel
def total(notionals, index):
    return notionals[index] + fee(notionals, index)

@kernel
def twice(notionals, index):
    return 2 * fee(notionals, index)

@kernel
def all_of_it(notionals, index):
    return total(notionals, index) + twice(notionals, index)

NOTIONALS = np.array([5.0, 10.0])
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Make a package of the same name with the same @kernel, one caller and one callee."""
    root = tmp_path / "gammagym"
    root.mkdir()
    (root / "__init__.py").touch()
    for entry in KERNEL_SOURCES:
        if entry.endswith(".py"):
            (root / entry).touch()
        else:
            (root / entry).mkdir(parents=True)
            (root / entry / "__init__.py").touch()
    for own in ("_kernel.py", "_compiler.py", "_numba.py"):
        (root / own).write_bytes((PACKAGE / own).read_bytes())
    (root / "engine" / "fees.py").write_text(CALLEE)
    (root / "engine" / "shared.py").write_text(SHARED)
    (root / "exchange" / "caller.py").write_text(CALLER)
    return root


def run(package: Path, code: str, **environment: str) -> str:
    """Run code in a new process that sees the package of the fixture."""
    variables = os.environ | {
        "PYTHONPATH": str(package.parent),
        "GAMMAGYM_CACHE_DIR": str(package.parent / "cache"),
        # Python's own byte code does not see an edit of equal length within the same second.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=variables | environment,
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


BOTH = """
from gammagym.exchange.caller import total
from gammagym.engine.fees import fee
print(total(10), fee(10), fee(2.5), total(10))
"""
CIRCLE = '''
"""Two kernels that call each other."""
from gammagym._kernel import kernel

@kernel
def down(count):
    if count == 0:
        return 0
    return further_down(count - 1)

@kernel
def further_down(count):
    if count == 0:
        return 1
    return down(count - 1)
'''
REFUSED = """
from numba.core.errors import CompilerError
from gammagym.engine.down import down
for _ in range(2):
    try:
        print(down(3))
    except CompilerError as error:
        print(error)
"""
TOTAL = "from gammagym.exchange.caller import total; print(total(10))"


def folders(package: Path) -> list[str]:
    return sorted(path.name for path in (package.parent / "cache").iterdir())


def test_an_edit_of_a_callee_in_another_file_is_seen_by_its_caller(package):
    assert run(package, TOTAL) == "21"
    callee = package / "engine" / "fees.py"
    callee.write_text(CALLEE.replace("notional * RATE", "notional * RATE * 10"))
    assert run(package, TOTAL) == "201"


def test_an_edit_of_a_constant_in_another_file_is_seen(package):
    assert run(package, TOTAL) == "21"
    (package / "engine" / "fees.py").write_text(CALLEE.replace("RATE = 2", "RATE = 3"))
    assert run(package, TOTAL) == "31"


def test_unchanged_sources_are_compiled_once(package):
    probe = TOTAL + "; print(sum(total.stats.cache_hits.values()))"
    assert run(package, probe).split() == ["21", "0"]
    assert run(package, probe).split() == ["21", "1"]
    assert len(folders(package)) == 1


def test_a_kernel_may_be_called_by_kernels_and_by_python(package):
    assert run(package, BOTH).split() == ["21", "20", "5.0", "21"]
    assert run(package, BOTH).split() == ["21", "20", "5.0", "21"]


def test_only_what_python_calls_becomes_machine_code(package):
    run(package, TOTAL)
    names = {path.name.split("-")[0] for path in (package.parent / "cache").rglob("*.nbc")}
    assert names == {"caller.total"}


def test_kernels_that_call_each_other_are_refused(package):
    (package / "engine" / "down.py").write_text(CIRCLE)
    assert "kernels may not call each other" in run(package, REFUSED)


ALL_OF_IT = """
from gammagym.engine.shared import NOTIONALS, all_of_it, fee, twice
print(all_of_it(NOTIONALS, 1), twice(NOTIONALS, 0), sum(fee.stats.cache_misses.values()))
"""


def test_a_shared_kernel_is_compiled_once_for_all_its_callers(package):
    assert run(package, ALL_OF_IT).split() == ["70.0", "20.0", "1"]
    files = sorted(path.name for path in (package.parent / "cache").rglob("*.nbc"))
    assert [name.split("-")[0] for name in files] == [
        *("shared.all_of_it", "shared.fee", "shared.twice")
    ]
    assert run(package, ALL_OF_IT).split() == ["70.0", "20.0", "0"]


def test_a_shared_kernel_whose_code_is_gone_is_compiled_anew(package):
    run(package, ALL_OF_IT)
    for path in (package.parent / "cache").rglob("shared.fee-*"):
        path.unlink()
    assert run(package, ALL_OF_IT).split() == ["70.0", "20.0", "1"]


def test_an_edit_of_a_shared_kernel_is_seen_by_its_callers(package):
    run(package, ALL_OF_IT)
    (package / "engine" / "shared.py").write_text(SHARED.replace("RATE = 2", "RATE = 3"))
    assert run(package, ALL_OF_IT).split() == ["100.0", "30.0", "1"]


def test_an_error_in_a_shared_kernel_reaches_python_through_its_caller(package):
    probe = """
from gammagym.engine.shared import NOTIONALS, twice
try:
    twice(NOTIONALS, 2)
except IndexError as error:
    print(error)
"""
    for _ in range(2):  # compiled, and loaded
        assert "out of bounds" in run(package, probe, NUMBA_BOUNDSCHECK="1")


TOGETHER = """
import os, pathlib, time
import gammagym.engine.shared
ready = pathlib.Path("ready")
ready.mkdir(exist_ok=True)
(ready / str(os.getpid())).touch()
while len(list(ready.iterdir())) < 3:
    time.sleep(0.001)
"""


def test_of_processes_that_want_the_same_code_one_compiles_it(package):
    with ThreadPoolExecutor(3) as pool:
        probes = [TOGETHER + ALL_OF_IT] * 3
        printed = [line.split() for line in pool.map(partial(run, package), probes)]
    assert [line[:2] for line in printed] == [["70.0", "20.0"]] * 3
    assert sorted(line[2] for line in printed) == ["0", "0", "1"]


FROM_THE_END = """
import numpy as np
from numba.core.errors import CompilerError
from gammagym._kernel import kernel

@kernel
def last(values):
    return values[-1]

try:
    print(last(np.arange(3.0)))
except CompilerError as error:
    print(error)
"""


def test_an_index_from_the_end_is_refused(package):
    (package / "engine" / "last.py").write_text(FROM_THE_END)
    assert "no index -1" in run(package, "import gammagym.engine.last")


RATIO = """
from gammagym._kernel import kernel

@kernel
def ratio(first, second):
    return first / second, int(first) // int(second)
"""


def test_a_division_by_zero_raises_nothing(package):
    (package / "engine" / "ratio.py").write_text(RATIO)
    probe = "from gammagym.engine.ratio import ratio; print(*ratio(1.0, 0.0), *ratio(-6.0, 4.0))"
    assert run(package, probe).split() == ["inf", "0", "-1.5", "-2"]


def test_other_code_of_the_process_still_counts_from_the_end():
    last = numba.njit(lambda values: values[-1])
    assert last(np.arange(3.0)) == 2.0


PUT = """
from gammagym._kernel import kernel

@kernel
def put(row, value):
    row.share = value
    return row.lots
"""
ROWS = """
import numpy as np
from gammagym.engine.put import put

table = np.zeros((2, 5), [("lots", "i8"), ("inner", [("share", "f8"), ("lots", "i4")])])
table["inner"]["lots"] = np.arange(10).reshape(2, 5)
for rows in (table[0], table[1, 1::2], table[1, ::-2]):
    print(*(put(row["inner"], 1.5 + row["inner"]["lots"]) for row in rows), end=" ")
print(*table["inner"]["share"].ravel(), table["lots"].any())
copy = table[1, 1].copy()
print(put(copy["inner"], -1.0), copy["inner"]["share"], table[1, 1]["inner"]["share"])
"""


def test_a_row_is_read_and_written_where_it_lies(package):
    (package / "engine" / "put.py").write_text(PUT)
    first, second = run(package, ROWS).splitlines()
    read, written = first.split()[:10], first.split()[10:]
    assert read == [*"01234", *"68", *"975"]
    assert written == [*(f"{number}.5" for number in range(1, 11)), "False"]
    assert second.split() == ["6", "-1.0", "7.5"]


def test_other_code_of_the_process_takes_rows_too():
    read = numba.njit(lambda row: row.share)
    assert read(np.array([(1.5,), (2.5,)], [("share", "f8")])[1]) == 2.5


def test_a_numpy_that_keeps_rows_elsewhere_is_refused(monkeypatch):
    monkeypatch.setattr(_numba.sys, "getsizeof", lambda _: 8)
    with pytest.raises(ImportError, match="this version of numpy"):
        _numba._offset_of_data()


def test_another_inside_of_numba_is_refused(monkeypatch):
    monkeypatch.delattr(_numba.codegen.RuntimeLinker, "PREFIX")
    with pytest.raises(ImportError, match=r"RuntimeLinker\.PREFIX"):
        _numba._check_numba()


def test_code_compiled_without_bounds_checks_is_not_used_with_them(package):
    probe = """
import numpy as np
from gammagym.exchange.caller import beyond
try:
    beyond(np.zeros(3), 5); print("read")
except IndexError:
    print("refused")
"""
    assert run(package, probe, NUMBA_BOUNDSCHECK="0") == "read"
    assert run(package, probe, NUMBA_BOUNDSCHECK="1") == "refused"
    assert run(package, probe, NUMBA_BOUNDSCHECK="0") == "read"
    assert len(folders(package)) == 2


def test_code_compiled_with_another_optimisation_is_not_shared(package):
    run(package, TOTAL, NUMBA_OPT="3")
    run(package, TOTAL, NUMBA_OPT="1")
    assert len(folders(package)) == 2


def test_a_module_that_kernels_do_not_import_recompiles_nothing(package):
    run(package, TOTAL)
    (package / "report.py").write_text("TITLE = 'other'")
    run(package, TOTAL)
    assert len(folders(package)) == 1


def test_kernels_outside_the_known_sources_are_refused():
    with pytest.raises(ImportError, match="KERNEL_SOURCES"):

        @kernel
        def stray(x):
            return x


def test_kernels_import_only_what_the_digest_covers():
    """An edit of anything that compiled code reads must change the digest."""
    plain = {"gammagym.agent", "gammagym.errors"}  # read by Python, never by a kernel
    for entry in KERNEL_SOURCES:
        path = PACKAGE / entry
        for file in path.rglob("*.py") if path.is_dir() else [path]:
            text = file.read_text(encoding="utf-8")
            if "@kernel" not in text or file.name == "_kernel.py":
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gammagym"):
                    source = PACKAGE.joinpath(*(node.module or "").split(".")[1:])
                    covered = any(
                        source.with_suffix(suffix).is_relative_to(PACKAGE / known)
                        for known in KERNEL_SOURCES
                        for suffix in ("", ".py")
                    )
                    assert covered or node.module in plain, f"{file.name} imports {node.module}"


def test_the_newest_caches_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("GAMMAGYM_CACHE_DIR", str(tmp_path))
    for age in range(6):
        folder = tmp_path / f"{age:024x}"
        folder.mkdir()
        os.utime(folder, (1_000 - age, 1_000 - age))
    _kernel.prune_caches()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{age:024x}" for age in range(3)]
