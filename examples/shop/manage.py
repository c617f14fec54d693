#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    if sys.argv[1:2] == ["test"]:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.test")
    else:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.base")
    execute_from_command_line(sys.argv)
