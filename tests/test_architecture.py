"""The packages keep the table, the limits and the secrets; and each check complains where it should."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from infra.engines import ENGINES
from tests.architecture.borders import TABLE, circles, crossings, engine_names, engines, heavy, programs, relatives, upward
from tests.architecture.encodings import unsaid_encodings
from tests.architecture.locks import STARTS, missing, reached
from tests.architecture.secrecy import printed, spoken_secrets, undeclared
from tests.architecture.shape import long_files, long_functions, silent
from tests.architecture.source import files, imports, modules, packages

pytestmark = pytest.mark.no_cover  # it reads the code and runs none of it; while it is traced it takes twice as long
ROOT = Path(__file__).parents[1]
Check = Callable[[Path], list[str]]
LONG = "        x = 1\n" * 10
CHECKS: list[Check] = [
    crossings,
    upward,
    heavy,
    relatives,
    circles,
    engines,
    programs,
    long_files,
    long_functions,
    silent,
    spoken_secrets,
    undeclared,
    printed,
    unsaid_encodings,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_walls_hold(check: Check) -> None:
    complaints = check(ROOT)
    assert not complaints, "\n".join(complaints)


def test_every_command_finds_its_libraries_in_its_lock() -> None:
    complaints = missing(ROOT, STARTS, packages_distributions())
    assert not complaints, "\n".join(complaints)


def test_the_checks_see_every_package_of_the_table() -> None:
    assert {*packages(ROOT), "noxfile", "tasks"} == {name for name in TABLE if "." not in name}
    assert all(name in modules(ROOT) or files(ROOT, name.replace(".", "/")) for name in TABLE)
    assert sum(len(imports(path)) for path in modules(ROOT).values()) > 500
    assert engine_names(ROOT) == set(ENGINES)


def test_what_the_ground_imports_stays_light() -> None:
    code = """
import sys
from gateline.contracts import schema, verdict, manifest, release, event
from gateline.registry import store, artifacts, audit, verdicts, releases
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
    "gateline__settings__errors": '"""Errors."""\n',
    "gateline__contracts__schema": '"""Schema."""\nfrom gateline.settings.errors import UsageError\n',
    "service__app": '"""App."""\nimport numpy\nfrom gateline.contracts import schema\nimport gateline.registry.loaded\n',
    "validation__model__gate": '"""Judge."""\nfrom gateline.registry.loaded import load\nfrom gateline.report import write\n',
    "gateline__registry__loaded": '"""Load."""\ndef load() -> None:\n    """Load."""\n    import skops.io\n',
    "infra__engines__contract": '"""Engine."""\n',
    "infra__rollout__phases": '"""Phases."""\nfrom infra.engines import contract\n',
    "noxfile": '"""Sessions."""\nimport nox\n',
    "tasks": '"""Tasks."""\nfrom infra import commands\nfrom gateline.settings.errors import front_door\n',
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
        ("service__x", "import gateline.stages", "service/x.py:1: service imports gateline.stages"),
        (
            "service__x",
            "def f():\n    from validation.model import y",
            "service/x.py:2: service imports validation.model",
        ),
        (
            "gateline__contracts__x",
            "import gateline.registry.store",
            "gateline/contracts/x.py:1: gateline.contracts imports gateline.registry",
        ),
        (
            "gateline__settings__x",
            "from gateline.contracts import schema",
            "gateline/settings/x.py:1: gateline.settings imports gateline.contracts",
        ),
        (
            "gateline__registry__x",
            "from gateline import report",
            "gateline/registry/x.py:1: gateline.registry imports gateline.report",
        ),
        ("gateline__report__x", "import validation", "gateline/report/x.py:1: gateline.report imports validation"),
        (
            "gateline__rows__x",
            "import gateline.report.page",
            "gateline/rows/x.py:1: gateline.rows imports gateline.report",
        ),
        ("model__x", "import training", "model/x.py:1: model imports training"),
        ("load__x", "import service", "load/x.py:1: load imports service"),
        ("training__x", "import infra", "training/x.py:1: training imports infra"),
        ("validation__x", "import model", "validation/x.py:1: validation imports model"),
        ("validation__x", "import validation.model.gate", "validation/x.py:1: validation imports validation.model"),
        (
            "validation__data__x",
            "from validation.model import y",
            "validation/data/x.py:1: validation.data imports validation.model",
        ),
        ("infra__host__x", "import service.app", "infra/host/x.py:1: infra.host imports service"),
        ("infra__host__x", "from infra import engines", "infra/host/x.py:1: infra.host imports infra.engines"),
        ("infra__haproxy__x", "import infra.engines", "infra/haproxy/x.py:1: infra.haproxy imports infra.engines"),
        (
            "infra__releases__x",
            "import infra.rollout.deploy",
            "infra/releases/x.py:1: infra.releases imports infra.rollout",
        ),
        (
            "infra__engines__x",
            "import infra.rollout.deploy",
            "infra/engines/x.py:1: infra.engines imports infra.rollout",
        ),
        (
            "infra__engines__docker__x",
            "from infra.engines import process",
            "infra/engines/docker/x.py:1: infra.engines.docker imports infra.engines.process",
        ),
        (
            "infra__engines__process__x",
            "import infra.engines.docker",
            "infra/engines/process/x.py:1: infra.engines.process imports infra.engines.docker",
        ),
        (
            "infra__rollout__x",
            "import infra.engines.process.engine",
            "infra/rollout/x.py:1: infra.rollout imports infra.engines.process",
        ),
        ("infra__site__x", "import infra.line.runs", "infra/site/x.py:1: infra.site imports infra.line"),
        ("infra__line__x", "import infra.commands", "infra/line/x.py:1: infra.line imports infra.commands"),
        ("infra__commands__x", "import template.copying", "infra/commands/x.py:1: infra.commands imports template"),
        ("infra__x", "import infra.host", "infra/x.py:1: infra imports infra.host"),
        ("noxfile", "import gateline.settings", "noxfile.py:1: noxfile imports gateline.settings"),
        ("tasks", "import training", "tasks.py:1: tasks imports training"),
        ("service__x", "from tests.settings import files", "service/x.py:1: service imports the tests"),
        ("surprise__x", "", "surprise/: is a package that the table does not name"),
        ("infra__surprise__x", "", "infra/surprise/: is a package that the table does not name"),
    ],
)
def test_an_import_across_a_border_is_named(tmp_path: Path, name: str, source: str, said: str) -> None:
    assert any(complaint.startswith(said) for complaint in crossings(write(tmp_path, **{name: source})))


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        (
            "gateline__registry__x",
            "import skops.io",
            "gateline/registry/x.py:1: gateline.registry imports skops at the top",
        ),
        (
            "infra__x",
            "try:\n    import scipy\nexcept ImportError:\n    pass",
            "infra/x.py:2: infra imports scipy at the top",
        ),
        (
            "gateline__contracts__x",
            "def f():\n    import pandas",
            "gateline/contracts/x.py:2: gateline.contracts imports pandas; allowed: nowhere",
        ),
        ("service__x", "def f():\n    import pandas", "service/x.py:2: service imports pandas; allowed: nowhere"),
        ("infra__x", "def f():\n    import locust", "infra/x.py:2: infra imports locust; allowed: nowhere"),
        (
            "gateline__settings__x",
            "class A:\n    import numpy",
            "gateline/settings/x.py:2: gateline.settings imports numpy; allowed: nowhere",
        ),
    ],
)
def test_a_heavy_import_is_named(tmp_path: Path, name: str, source: str, said: str) -> None:
    assert [complaint.startswith(said) for complaint in heavy(write(tmp_path, **{name: source}))] == [True]


@pytest.mark.parametrize("source", ["from . import y", "from .y import z", "def f():\n    from .. import y"])
def test_a_relative_import_is_named(tmp_path: Path, source: str) -> None:
    assert "relative import" in relatives(write(tmp_path, infra__x=source))[0]


@pytest.mark.parametrize("source", ['x.engine == "cloud"', 'if engine in ("a", "cloud"): pass', '"cloud" != name'])
def test_an_engines_name_is_known_to_its_folder_alone(tmp_path: Path, source: str) -> None:
    write(tmp_path, infra__engines__cloud__x=source, infra__rollout__x=source, gateline__settings__environments=source)
    (complaint,) = engines(tmp_path)
    assert complaint.startswith("infra/rollout/x.py:1: compares with 'cloud'")


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("subprocess.run(argv, capture_output=True)", 1),
        ("subprocess.check_output(argv)", 1),
        ("subprocess.run(argv, check=True)", 0),
        ("run(argv, environ)", 0),
    ],
)
def test_a_program_that_is_read_in_another_way_is_named(tmp_path: Path, source: str, count: int) -> None:
    write(tmp_path, infra__x=source, model__y=source, gateline__contracts__programs=source)
    assert len(programs(tmp_path)) == count


def test_an_import_of_a_package_above_is_named_but_for_the_dict_of_engines(tmp_path: Path) -> None:
    source = "import infra.rollout.deploy"
    write(tmp_path, infra__host__x=source, infra__rollout__deploy="import infra.host.x")
    write(tmp_path, infra__engines__x="import infra.engines.docker")
    assert upward(tmp_path) == ["infra.host imports infra.rollout, which stands above it in tests/architecture/borders.py"]


def test_files_that_import_each_other_are_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        infra__a="import infra.b",
        infra__b="from infra import c",
        infra__c="def f():\n    from infra.a import g",
        infra__d="import infra.a",
    )
    assert circles(tmp_path) == [
        "infra.a imports infra.b which imports infra.c which imports infra.a",
        "infra.b imports infra.c which imports infra.a which imports infra.b",
        "infra.c imports infra.a which imports infra.b which imports infra.c",
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
        ('"""M."""\ndef f():\n    raise ValueError', "f has no docstring"),
        (f'"""M."""\nclass A:\n    """A."""\n    async def g(self):\n{LONG}', "g has no docstring"),
        (f'"""M."""\nclass A:\n{LONG}', "A has no docstring"),
    ],
)
def test_what_says_nothing_is_named(tmp_path: Path, source: str, said: str) -> None:
    assert [said in complaint for complaint in silent(write(tmp_path, infra__x=source))] == [True]


def test_short_private_inner_and_the_copys_own_code_may_be_silent(tmp_path: Path) -> None:
    source = f'"""M."""\ndef alive(): ...\nclass _A:\n  def f(self):\n{LONG}\ndef g():\n  """G."""\n  def inner():\n{LONG}\n'
    assert silent(write(tmp_path, infra__x=source, model__y=f"def f():\n{LONG}")) == []


def test_what_a_base_class_describes_needs_no_second_docstring(tmp_path: Path) -> None:
    base = 'class A(Protocol):\n    """A."""\n    def f(self):\n        """Do."""\n'
    source = f'"""M."""\n{base}class B(A):\n    """B."""\n'
    calls = "".join(f"    def {name}(self):\n        raise ValueError\n" for name in "fg")
    heir = f'from infra.x import B\nclass C(B):\n    """C."""\n{calls}'
    found = silent(write(tmp_path, infra__x=source, infra__y=f'"""M."""\n{heir}'))
    assert len(found) == 1 and "g has no docstring" in found[0]


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
def test_text_in_any_encoding_is_named(tmp_path: Path, source: str) -> None:
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
