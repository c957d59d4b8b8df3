"""Where the modules of the runner are, and those that all drills share; imported before them. What tests share."""
import os
import sys

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "stack"))
# After what is there: both have modules for processes.
sys.path.append(os.path.join(REPOSITORY, "Tests", "Drills"))


def executable(path, text):
    """Makes a program of a script's lines, and its folder; its path."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/bash\n{text}\n")
    os.chmod(path, 0o755)
    return path
