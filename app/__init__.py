"""HTTP front end, supervisor and command line."""
