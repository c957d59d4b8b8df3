"""Where the modules of the stack's runner are, and those that all drills share; imported before them."""
import os
import sys

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(REPOSITORY, "stack"), os.path.join(REPOSITORY, "Tests", "Drills")]
# Behind the drills' own: it has modules of the same names.
sys.path.append(os.path.join(REPOSITORY, "Tests", "Readme"))
