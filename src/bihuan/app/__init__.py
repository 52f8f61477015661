"""The doors: gateway, loop, command line, synthetic city. Loading and saving happen only here."""
