"""Write README.md, and the numbers in the project's README, from the results: `python -m benchmarks.page`."""

from benchmarks.page.readme import write_pages

if __name__ == "__main__":
    write_pages()
