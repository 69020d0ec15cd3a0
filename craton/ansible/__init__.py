"""What an operator's own Ansible may use of Craton.

``callback_plugins/craton.py`` reports an ``ansible-playbook`` that somebody started on a downloaded
bundle, so that it shows as a run. It needs nothing of Craton, so it can be copied alone;
``python -m craton.ansible`` prints the directory to put into ``ANSIBLE_CALLBACK_PLUGINS``.
"""
