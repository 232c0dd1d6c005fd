"""docker-compose.yml runs the Procfile's processes, with settings that settings.py and the images know."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from config.process import commands

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("build")}
IMAGES = {
    "pgvector/pgvector:pg18": {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "POSTGRES_INITDB_ARGS"},
    "redis:7": {"REDIS_PASSWORD"},  # read by the command that stands beside it
}


def settings_names() -> set[str]:
    """Every environment variable that settings.py reads."""
    return set(re.findall(r"""\benv(?:\.\w+)?\(\s*["']([A-Z_]+)["']""", (ROOT / "config" / "settings.py").read_text()))


def test_every_process_of_the_procfile_is_a_service() -> None:
    assert {name for name in OURS if name != "migrate"} == commands().keys()


@pytest.mark.parametrize("name", sorted(OURS.keys() - {"migrate"}))
def test_a_service_runs_its_line_of_the_procfile(name: str) -> None:
    assert OURS[name]["command"] == ["python", "-m", "config.process", name]


def test_the_image_and_its_default_command_are_of_the_procfile() -> None:
    assert 'CMD ["python", "-m", "config.process", "web"]' in (ROOT / "Dockerfile").read_text()


def test_migrate_runs_commands_that_exist() -> None:
    shell, option, line = OURS["migrate"]["command"]
    assert (shell, option) == ("sh", "-c")
    steps = [step.split() for step in line.split("&&")]
    assert [step[:2] for step in steps] == [["python", "manage.py"]] * len(steps)
    assert {step[2] for step in steps} <= set(get_commands())
    assert steps[0][2] == "prepare_database"


def test_procfile_commands_of_manage_exist() -> None:
    named = [command.split()[2] for command in commands().values() if command.startswith("python manage.py")]
    assert named == ["relay", "embedder"]
    assert set(named) <= set(get_commands())


@pytest.mark.parametrize("name", OURS)
def test_settings_reach_only_names_that_settings_py_reads(name: str) -> None:
    assert OURS[name]["environment"].keys() <= settings_names()


@pytest.mark.parametrize("name", sorted(COMPOSE["services"].keys() - OURS.keys()))
def test_settings_of_images_are_theirs(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["environment"].keys() <= IMAGES[service["image"]]


def test_only_migrate_holds_the_owners_password() -> None:
    holders = {name for name, service in OURS.items() if "OWNER_PASSWORD" in str(service)}
    assert holders == {"migrate"}


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = dict(re.findall(r"\$\{([A-Z_]+)(:.)", text))
    secrets = {name for name in used if re.search("SECRET|PASSWORD|EMAIL_URL", name)}
    assert secrets == {"SECRET_KEY", "APPLICATION_PASSWORD", "OWNER_PASSWORD", "REDIS_PASSWORD", "EMAIL_URL"}
    assert {used[name] for name in secrets} == {":?"}
    assert "${" not in re.sub(r"\$\{[A-Z_]+:[?-][^}]*\}", "", text)


def mounts(service: dict[str, Any]) -> set[str]:
    return {volume.split(":")[0] for volume in service.get("volumes", [])}


def test_every_volume_is_named_and_every_server_waited_for() -> None:
    assert set().union(*(mounts(service) for service in COMPOSE["services"].values())) == set(COMPOSE["volumes"])
    for name, service in COMPOSE["services"].items():
        for other, condition in service.get("depends_on", {}).items():
            assert other in COMPOSE["services"], name
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in COMPOSE["services"][other]


def test_a_worker_can_be_one_of_many() -> None:
    assert not {"container_name", "ports", "hostname"} & OURS["worker"].keys()
