"""The Hugging Face Hub: access, checksums, publishing, model cards and remote code."""
