"""An audit line is one line, there once, and there whatever the log's level."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

PROGRAM = """
import sys
from craton import config
from craton.secrets import audit
from oslo_log import log
log.setup(config.settings(sys.argv[1:], files=None), "craton", fix_eventlet=False)
caller = 'eve" \\n{}%s\\u2028'
audit.record(request_id="req-1", caller=caller, action="read payload", secret_id="s1")
"""

OPTIONS = {
    "as it is": "",
    "debug": "debug = true",
    "quiet": "default_log_levels = craton=ERROR",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_a_record_is_one_line_of_json(tmp_path: Path, options: str) -> None:
    file = tmp_path / "craton.conf"
    file.write_text(
        "[DEFAULT]\nuse_stderr = true\nlogging_default_format_string = %(name)s %(message)s\n"
        f"{OPTIONS[options]}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--config-file", str(file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    [line] = [line for line in done.stderr.splitlines() if "req-1" in line]
    name, _, text = line.partition(" ")
    assert name == "craton.audit"
    record = json.loads(text)
    time = datetime.fromisoformat(record.pop("time"))
    assert abs(datetime.now(UTC) - time) < timedelta(minutes=5)
    assert record == {
        "request_id": "req-1",
        "caller": 'eve" \n{}%s\u2028',
        "action": "read payload",
        "secret_id": "s1",
    }
