"""The command line: a thin door to the api, a file a group of commands."""
