"""The rooms keep the table, the limits and the secrets; and each check complains where it should."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.borders import TABLE, crossings, cycles, heavy, relatives
from tests.architecture.encodings import unsaid_encodings
from tests.architecture.locks import STARTS, missing, reached
from tests.architecture.secrecy import printed, spoken_secrets, undeclared
from tests.architecture.shape import long_files, long_functions, silent
from tests.architecture.source import files, imports, rooms

ROOT = Path(__file__).parents[1]
Check = Callable[[Path], list[str]]
CHECKS: list[Check] = [
    crossings,
    heavy,
    relatives,
    cycles,
    long_files,
    long_functions,
    silent,
    spoken_secrets,
    undeclared,
    printed,
    unsaid_encodings,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_rooms_hold(check: Check) -> None:
    complaints = check(ROOT)
    assert not complaints, "\n".join(complaints)


def test_every_command_finds_its_libraries_in_its_lock() -> None:
    complaints = missing(ROOT, STARTS, packages_distributions())
    assert not complaints, "\n".join(complaints)


def test_the_checks_see_every_room_of_the_table() -> None:
    assert {*rooms(ROOT), "noxfile", "tasks"} == set(TABLE)
    assert all(files(ROOT, room) for room in TABLE)
    assert sum(len(imports(path)) for path in files(ROOT, *TABLE)) > 500


def test_what_the_small_rooms_import_stays_light() -> None:
    code = """
import sys
import contracts.schema, contracts.verdict, contracts.manifest, contracts.release, contracts.event
import registry.store, registry.artifacts, registry.audit, registry.verdicts, registry.releases
print(sorted({"pandas", "sklearn", "scipy", "skops", "numpy", "pyarrow", "locust"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def write(root: Path, **sources: str) -> Path:
    """Write files; `service__app` names `service/app.py`."""
    for name, source in sources.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return root


GOOD = {
    "settings__errors": '"""Errors."""\n',
    "contracts__schema": '"""Schema."""\nfrom settings.errors import UsageError\n',
    "service__app": '"""App."""\nimport numpy\nfrom contracts import schema\nimport registry.loaded\n',
    "validation__model": '"""Judge."""\nfrom registry.artifacts import Artifacts\nfrom report import write\n',
    "registry__loaded": '"""Load."""\ndef load() -> None:\n    """Load."""\n    import skops.io\n',
    "noxfile": '"""Sessions."""\nimport nox\n',
    "tasks": '"""Tasks."""\nfrom infra import commands\nfrom settings.errors import front_door\n',
    "data__make": "import pandas\n",
    "tests__test_x": "import service.app\n",
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_good_tree_is_let_through(tmp_path: Path, check: Check) -> None:
    assert check(write(tmp_path, **GOOD)) == []


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("service__x", "import validation", "service/x.py:1: service imports validation"),
        ("service__x", "def f():\n    from validation.model import y", "service/x.py:2: service imports validation"),
        ("contracts__x", "import registry.store", "contracts/x.py:1: contracts imports registry"),
        ("settings__x", "from contracts import schema", "settings/x.py:1: settings imports contracts"),
        ("registry__x", "import report", "registry/x.py:1: registry imports report"),
        ("model__x", "import training", "model/x.py:1: model imports training"),
        ("load__x", "import service", "load/x.py:1: load imports service"),
        ("infra__deep__x", "import service.app", "infra/deep/x.py:1: infra imports service"),
        ("report__x", "import validation", "report/x.py:1: report imports validation"),
        ("training__x", "import infra", "training/x.py:1: training imports infra"),
        ("validation__x", "import model", "validation/x.py:1: validation imports model"),
        ("noxfile", "import settings", "noxfile.py:1: noxfile imports settings"),
        ("tasks", "import training", "tasks.py:1: tasks imports training"),
        ("service__x", "from tests.settings import files", "service/x.py:1: service imports the tests"),
        ("surprise__x", "", "surprise/: is a room that the table does not name"),
    ],
)
def test_an_import_across_a_border_is_named(tmp_path: Path, name: str, source: str, said: str) -> None:
    assert any(complaint.startswith(said) for complaint in crossings(write(tmp_path, **{name: source})))


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("registry__x", "import skops.io", "registry/x.py:1: registry imports skops at the top"),
        (
            "infra__x",
            "try:\n    import scipy\nexcept ImportError:\n    pass",
            "infra/x.py:2: infra imports scipy at the top",
        ),
        ("contracts__x", "def f():\n    import pandas", "contracts/x.py:2: contracts imports pandas; allowed: nowhere"),
        ("service__x", "def f():\n    import pandas", "service/x.py:2: service imports pandas; allowed: nowhere"),
        ("infra__x", "def f():\n    import locust", "infra/x.py:2: infra imports locust; allowed: nowhere"),
        ("settings__x", "class A:\n    import numpy", "settings/x.py:2: settings imports numpy; allowed: nowhere"),
    ],
)
def test_a_heavy_import_is_named(tmp_path: Path, name: str, source: str, said: str) -> None:
    assert [complaint.startswith(said) for complaint in heavy(write(tmp_path, **{name: source}))] == [True]


@pytest.mark.parametrize("source", ["from . import y", "from .y import z", "def f():\n    from .. import y"])
def test_a_relative_import_is_named(tmp_path: Path, source: str) -> None:
    assert "relative import" in relatives(write(tmp_path, infra__x=source))[0]


def test_rooms_that_import_each_other_are_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        registry__a="import contracts",
        contracts__b="import settings",
        settings__c="def f():\n    import registry",
    )
    assert cycles(tmp_path) == [
        "contracts imports settings which imports registry which imports contracts",
        "registry imports contracts which imports settings which imports registry",
        "settings imports registry which imports contracts which imports settings",
    ]


@pytest.mark.parametrize(("lines", "count"), [(399, 0), (400, 1)])
def test_a_long_file_is_named(tmp_path: Path, lines: int, count: int) -> None:
    write(tmp_path, infra__x="x = 1\n" * lines, model__x="x = 1\n" * 900)
    assert len(long_files(tmp_path)) == count


@pytest.mark.parametrize(("lines", "count"), [(39, 0), (40, 1)])
def test_a_long_function_is_named(tmp_path: Path, lines: int, count: int) -> None:
    body = "    x = 1\n" * lines
    write(
        tmp_path,
        infra__x=f"class A:\n  def f(self):\n{body}",
        service__y=f"async def g():\n{body}",
        model__z=f"def h():\n{body * 9}",
    )
    assert len(long_functions(tmp_path)) == 2 * count


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1", "the module has no docstring"),
        ('"""M."""\ndef f(): ...', "f has no docstring"),
        ('"""M."""\nclass A:\n    """A."""\n    async def g(self): ...', "g has no docstring"),
        ('"""M."""\nclass A: ...', "A has no docstring"),
    ],
)
def test_what_says_nothing_is_named(tmp_path: Path, source: str, said: str) -> None:
    assert [said in complaint for complaint in silent(write(tmp_path, infra__x=source))] == [True]


def test_private_inner_and_the_copys_own_code_may_be_silent(tmp_path: Path) -> None:
    source = '"""M."""\ndef _f(): ...\nclass _A:\n    def f(self): ...\ndef g():\n    """G."""\n    def inner(): ...\n'
    assert silent(write(tmp_path, infra__x=source, model__y="def f(): ...")) == []


@pytest.mark.parametrize(
    "source",
    [
        "print(audit_key)",
        'print(f"key {settings.api_key}")',
        'log.info("x", os.environ["GATELINE_AUDIT_KEY"])',
        'print(os.environ.get("GATELINE_AUDIT_KEY", ""))',
        "print(os.environ)",
        'raise ValueError(f"wrong {password}")',
        "stream.write(message=token)",
    ],
)
def test_a_spoken_secret_is_named(tmp_path: Path, source: str) -> None:
    assert "which is a secret" in spoken_secrets(write(tmp_path, infra__x=source))[0]


@pytest.mark.parametrize(
    "source",
    ['log = Log(os.environ.get("GATELINE_AUDIT_KEY"))', 'print("set GATELINE_AUDIT_KEY")', "print(key, monkey)"],
)
def test_a_secret_that_is_used_or_named_is_let_through(tmp_path: Path, source: str) -> None:
    assert spoken_secrets(write(tmp_path, infra__x=source)) == []


@pytest.mark.parametrize(
    ("source", "wrong"),
    [("print(reason)", True), ("console = Console()", True), ("console.print(x)", False), ("tell(reason)", False)],
)
def test_text_that_is_printed_past_its_owner_is_named(tmp_path: Path, source: str, wrong: bool) -> None:
    assert ("shows text as it is" in "".join(printed(write(tmp_path, infra__x=source)))) is wrong


def test_a_variable_that_nobody_declared_is_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        infra__x='a = environ["GATELINE_WORKERS"]\nb = environ.get("GATELINE_SURPRISE")\nc = "GATELINE_PORT_DEV"',
    )
    assert undeclared(tmp_path) == ["infra/x.py:2: GATELINE_SURPRISE is not named in gateline/settings/variables.py"]


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run(argv, text=True)",
        "subprocess.Popen(argv, universal_newlines=True)",
        "path.read_text()",
        'Path("x").write_text(about)',
        "with open(name) as file:\n    pass",
    ],
)
def test_text_in_whatever_encoding_is_named(tmp_path: Path, source: str) -> None:
    assert "states no encoding" in unsaid_encodings(write(tmp_path, infra__x=source))[0]


@pytest.mark.parametrize(
    "source",
    [
        'subprocess.run(argv, encoding="utf-8", errors="replace")',
        "subprocess.run(argv, capture_output=True)",
        'path.read_text("utf-8")',
        'open(name, "rb")',
        'path.write_text(about, encoding="utf-8")',
    ],
)
def test_text_in_a_stated_encoding_is_let_through(tmp_path: Path, source: str) -> None:
    assert unsaid_encodings(write(tmp_path, infra__x=source)) == []


def test_a_library_that_the_lock_does_not_hold_is_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        tasks="import json\nimport nox_helper\nfrom infra import commands",
        infra__commands="import yaml\ndef f():\n    import pandas",
        infra__apart="import numpy",
    )
    (tmp_path / "infra" / "__init__.py").touch()
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("nox-helper==1.0 \\\n    --hash=sha256:0\n", encoding="utf-8")
    starts, names = {"dev": ("tasks",)}, {"yaml": ["PyYAML"], "nox_helper": ["nox_helper"]}
    assert missing(tmp_path, starts, names) == [
        "infra/commands.py:1: imports yaml, which requirements/dev.txt does not lock"
    ]
    (tmp_path / "requirements" / "dev.txt").write_text("nox-helper==1.0\npyyaml==6\n", encoding="utf-8")
    assert missing(tmp_path, starts, names) == []
    assert [path.name for path in reached(tmp_path, ("tasks",))] == ["__init__.py", "commands.py", "tasks.py"]
