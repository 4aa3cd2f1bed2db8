"""The readable engines: the specification that the fast ones are held to."""
