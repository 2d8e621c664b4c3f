"""Helpers of several tests: tiny networks, drawn pictures, a served page, a server like the Hub."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of the repository
