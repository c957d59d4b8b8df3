"""Where the modules are that this folder shares: the drills' servers, the contract's reading of the document."""
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "Drills"), str(TESTS / "Contract")]
