"""`python -m bihuan`: the command line."""

from bihuan.app.cli import main

if __name__ == "__main__":
    main()
