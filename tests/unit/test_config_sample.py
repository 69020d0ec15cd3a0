"""The sample configuration is what the options say today."""

from __future__ import annotations

from pathlib import Path

from oslo_config import generator

ETC = Path(__file__).parents[2] / "etc/craton"


def test_the_sample_configuration_is_current(tmp_path: Path) -> None:
    made = tmp_path / "craton.conf.sample"
    options = ("--config-file", str(ETC / "config-generator.conf"), "--output-file", str(made))
    generator.main(list(options))
    assert made.read_text() == (ETC / "craton.conf.sample").read_text(), (
        "run: .venv/bin/oslo-config-generator --config-file etc/craton/config-generator.conf"
    )
