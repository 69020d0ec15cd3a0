"""Makes a superuser with a token in an empty Nautobot: accounts.py NAME PASSWORD TOKEN."""

import sys

import nautobot

nautobot.setup()

from nautobot.users.models import Token, User  # noqa: E402

name, password, token = sys.argv[1:]
user = User.objects.create_superuser(name, f"{name}@example.com", password)
Token.objects.create(user=user, key=token)
