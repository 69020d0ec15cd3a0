"""The settings of the tests' Nautobot; the environment says where its database and Redis are."""

from pathlib import Path

from nautobot.core.settings import *  # noqa: F403
from nautobot.core.settings import DATABASES

SECRET_KEY = "a secret for tests alone, which protects nothing at all"
INSTALLATION_METRICS_ENABLED = False

# The database is replaced under the server between tests.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# There is no worker: what would be queued for one runs at once, in the request.
CELERY_TASK_ALWAYS_EAGER = True

PYUWSGI_ARGS = ["--strict", "--need-app", "--wsgi-file", str(Path(__file__).with_name("wsgi.py"))]
