"""Trains, in processes that import the study by its name, and writes what was found."""

from tests.correction_study.study import main

if __name__ == "__main__":
    main()
