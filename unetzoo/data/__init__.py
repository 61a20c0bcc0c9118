"""Images and masks of users: find them, read them, decide what masks mean, check them, measure them.

Rooms from the ground up; an import goes down or stays in its room:

- `dataset`: what a data set is
- `datasets`: those that need no download
- `objects`: which pixel of a sample belongs to which object
- `masks`: how masks are stored, and what their values mean
- `formats`: files, with one table of how each format is read and written
- `shown`: images of any type and range as colors
- `sources`: folders, tables, the Hub, data sets of Python
- `annotations`: outlines and masks of objects, as other tools write them
- `survey`: everything read once: statistics, problems
- `find`: the source of a data set by its name, folder or file
- `open`: what `fit`, `evaluate` and the command line call
- `convert`: any data set written as images/ and masks/
"""
