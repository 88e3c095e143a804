"""The contract between front end and worker: messages, errors, key names. Standard library only."""
