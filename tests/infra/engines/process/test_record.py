"""What a supervisor left word of is read by the next command, also where an older version wrote it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil

from infra.engines.process.record import Record, Seen, read_record, write_record
from infra.host.processes import started


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = Record(supervisor=Seen(pid=os.getpid(), born=started(os.getpid())), applied=3)
    write_record(tmp_path / "supervisor.json", record)
    assert read_record(tmp_path / "supervisor.json") == record and record.supervised and not record.proxied


def test_one_of_an_older_version_names_the_same_processes(tmp_path: Path) -> None:
    mine = {"pid": os.getpid(), "created": psutil.Process().create_time(), "restarts": 2}
    old = {"supervisor": mine, "replicas": {"a-1": mine, "a-2": mine | {"created": 1.0}}, "applied": 7}
    (tmp_path / "supervisor.json").write_text(json.dumps(old))
    record = read_record(tmp_path / "supervisor.json")
    assert record.supervised and record.applied == 7
    assert record.replicas["a-1"].child() and record.replicas["a-1"].restarts == 2
    assert record.replicas["a-2"].child() is None


def test_none_and_a_damaged_one_are_empty(tmp_path: Path) -> None:
    assert read_record(tmp_path / "supervisor.json") == Record()
    (tmp_path / "supervisor.json").write_text('{"created": ')
    assert read_record(tmp_path / "supervisor.json") == Record()
