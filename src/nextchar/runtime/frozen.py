"""Imported last by a server that forks processes: what it has imported is left out of every later
search for garbage, which would copy that memory in each of them. Nothing else imports it."""

import gc

gc.freeze()
