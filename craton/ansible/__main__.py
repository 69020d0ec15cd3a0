"""Prints the directory of the callback plugin."""

from craton.ansible.place import CALLBACK_PLUGINS

if __name__ == "__main__":
    print(CALLBACK_PLUGINS)
