"""The Hub: access, checksums, publishing, cards, and the code that a published model carries."""
