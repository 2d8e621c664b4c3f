"""What tests share: tiny networks, drawn pictures, a served page, a stand-in for the Hub."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of the repository
